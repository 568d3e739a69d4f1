//! Several rooms on one client: the list, what is unread, fairness.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{ConnectionState, Engine, StaticToken, Token};
use chat_protocol::{MessageId, RoomId};
use chat_testkit::{
    FaultProxy, LIVE, Phone, RecordingListener, RecordingRoomList, Reply, ScriptedServer, ServerProcess,
    TOKEN, config, eventually, page,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn open(server: &ServerProcess, url: &str, folder: &tempfile::TempDir) -> Engine {
    Engine::open(config(url, folder.path()), Arc::new(StaticToken(Token::new(server.token("alice")))), None)
        .unwrap()
}

fn id(n: i64) -> MessageId {
    MessageId::new(n).unwrap()
}

#[tokio::test]
async fn the_list_follows_rooms_that_are_open_and_rooms_that_are_not() {
    let server = ServerProcess::start();
    let (first, second, third) = (server.room(), server.room(), server.room());
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&server, server.url(), &folder);
    let list = RecordingRoomList::new();
    let rooms = engine.rooms(list.clone()).unwrap();
    rooms.start();
    eventually("three rooms, nothing in them", || list.rooms().len() == 3).await;
    server.say(second, "bob", "in the second");
    server.say(third, "bob", "in the third");
    server.say(third, "bob", "again");
    let shown = || -> Vec<(RoomId, u64, String)> {
        let text =
            |r: &chat_engine::RoomListItem| r.last_message.as_ref().map_or(String::new(), |m| m.text.clone());
        list.rooms().iter().map(|r| (r.id, r.unread, text(r))).collect()
    };
    let wanted = [(third, 2, "again".into()), (second, 1, "in the second".into()), (first, 0, String::new())];
    eventually("the liveliest first", || shown() == wanted).await;
    // A room that is open tells the list itself, without waiting for the list's own poll.
    rooms.stop();
    let told = list.told();
    let listener = RecordingListener::new();
    let room = engine.room(third, listener.clone()).unwrap();
    room.start();
    eventually("open", || listener.ids() == [1, 2]).await;
    room.mark_read(id(2)).unwrap();
    eventually("the server knows", || server.rooms("alice")[2]["read_marker"] == 2).await;
    assert_eq!(list.told(), told, "a stopped list hears nothing");
    rooms.start();
    eventually("nothing unread in the third", || shown()[0].1 == 0 && shown()[1].1 == 1).await;
    // Offline, the next process shows the list from the cache.
    rooms.detach();
    drop((room, rooms, engine));
    let engine = Engine::open(
        config("http://127.0.0.1:9", folder.path()),
        Arc::new(StaticToken(Token::new("t"))),
        None,
    );
    assert!(engine.is_ok(), "another server, another account: another cache");
    let engine = open(&server, server.url(), &folder);
    let list = RecordingRoomList::new();
    let _rooms = engine.rooms(list.clone()).unwrap();
    eventually("the list as it was", || list.rooms().len() == 3 && list.rooms()[0].id == third).await;
}

#[tokio::test]
async fn a_list_that_is_as_it_was_is_not_sent_again() {
    let rooms =
        json!({"rooms": [{"id": 1, "title": "t", "last_message": null, "unread": 0, "read_marker": null}]});
    let server = ScriptedServer::start(move |request| match request.headers.get("if-none-match") {
        Some(tag) if tag == "\"one\"" => Reply::status(304),
        Some(tag) => panic!("{tag}"),
        None => Reply::json(&rooms).header("etag", "\"one\""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let engine = Engine::open(config(server.url(), folder.path()), token, None).unwrap();
    let list = RecordingRoomList::new();
    let rooms = engine.rooms(list.clone()).unwrap();
    rooms.start();
    eventually("many polls later", || server.count() > 20).await;
    assert!(list.told() <= 2 && list.rooms().len() == 1, "the empty cache perhaps, and the list, once");
    assert_eq!(list.connections(), [ConnectionState::Connecting, LIVE]);
    let asked = server.requests();
    assert_eq!(asked.iter().filter(|r| !r.headers.contains_key("if-none-match")).count(), 1);
}

#[tokio::test]
async fn unread_counts_what_others_said_beyond_the_marker_and_the_marker_only_moves_forward() {
    let server = ServerProcess::start();
    let room_id = server.room();
    for n in 1..=4 {
        server.say(room_id, "bob", &n.to_string());
    }
    let phone = Phone::open(server.url(), &server.token("alice"), room_id);
    let (room, listener) = (&phone.room, &phone.listener);
    let status = || listener.timeline().status();
    room.start();
    eventually("all unread", || status().unread == 4 && status().read_marker.is_none()).await;
    room.mark_read(id(3)).unwrap();
    eventually("one is left", || status().unread == 1 && status().read_marker == Some(id(3))).await;
    room.mark_read(id(1)).unwrap();
    room.send("my own is never unread").unwrap();
    eventually("it is the fifth", || listener.ids() == [1, 2, 3, 4, 5]).await;
    server.say(room_id, "bob", "6");
    eventually("two", || status().unread == 2 && listener.ids().len() == 6).await;
    assert_eq!(status().read_marker, Some(id(3)), "never back");
    server.delete(room_id, "bob", 6);
    eventually("what is deleted is not unread", || status().unread == 1).await;
    server.edit(room_id, "bob", 4, "four");
    eventually("what is edited is not unread twice", || listener.texts()[3] == "four").await;
    assert_eq!(status().unread, 1);
    room.mark_read(id(1_000_000)).unwrap();
    eventually("read to the end, not beyond", || status().unread == 0 && status().read_marker == Some(id(6)))
        .await;
    eventually("as the server sees it", || server.rooms("alice")[0]["unread"] == 0).await;
}

#[tokio::test]
async fn what_is_unread_below_what_is_cached_is_counted_by_the_server_and_new_messages_on_top_of_it() {
    let server = ServerProcess::start();
    let room_id = server.room();
    let mut bob = server.sayer(room_id, "bob");
    (1..=350).for_each(|n| drop(bob.say(&n.to_string())));
    let phone = Phone::open(server.url(), &server.token("alice"), room_id);
    let list = RecordingRoomList::new();
    let rooms = phone.engine.rooms(list.clone()).unwrap();
    rooms.start();
    eventually("in the list", || list.rooms().first().is_some_and(|r| r.unread == 350)).await;
    rooms.stop();
    phone.room.start();
    let unread = || phone.listener.timeline().status().unread;
    eventually("a hundred are cached, all are unread", || {
        unread() == 350 && phone.listener.ids().len() == 100
    })
    .await;
    bob.say("351");
    eventually("one more", || unread() == 351).await;
    let (answer, answered) = tokio::sync::oneshot::channel();
    phone.room.load_older(move |result| drop(answer.send(result)));
    answered.await.unwrap().unwrap();
    assert_eq!((unread(), phone.listener.ids().len()), (351, 201), "history is not unread twice");
    phone.room.mark_read(id(200)).unwrap();
    eventually("what is below is read with it", || unread() == 151).await;
    eventually("and told", || server.rooms("alice")[0]["unread"] == 151).await;
}

#[tokio::test]
async fn what_was_read_on_another_device_is_read_here() {
    let server = ServerProcess::start();
    let room_id = server.room();
    for n in 1..=5 {
        server.say(room_id, "bob", &n.to_string());
    }
    let phone = Phone::open(server.url(), &server.token("alice"), room_id);
    let list = RecordingRoomList::new();
    let rooms = phone.engine.rooms(list.clone()).unwrap();
    rooms.start();
    phone.room.start();
    let status = || phone.listener.timeline().status();
    eventually("five", || status().unread == 5 && list.rooms().first().is_some_and(|r| r.unread == 5)).await;
    server.read(room_id, "alice", 4);
    eventually("one", || status().unread == 1 && status().read_marker == Some(id(4))).await;
    eventually("in the list too", || list.rooms()[0].unread == 1).await;
}

#[tokio::test]
async fn the_marker_is_told_once_for_many_and_also_by_the_next_process() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let room_id = server.room();
    for n in 1..=50 {
        server.say(room_id, "bob", &n.to_string());
    }
    let token = server.token("alice");
    let phone =
        Phone::with(proxy.url(), &token, room_id, |c| c.timings.poll_interval = Duration::from_secs(3_600));
    phone.room.start();
    eventually("shown", || phone.listener.ids().len() == 50).await;
    let requests = proxy.requests();
    for n in 1..=40 {
        phone.room.mark_read(id(n)).unwrap();
    }
    eventually("told", || server.rooms("alice")[0]["read_marker"] == 40).await;
    assert_eq!(proxy.requests(), requests + 1, "forty steps, one request");
    proxy.go_down();
    phone.room.mark_read(id(50)).unwrap();
    let Phone { folder, room, engine, .. } = phone;
    drop((room, engine));
    proxy.come_back();
    let _engine = open_at(&server, &proxy, &folder);
    eventually("told", || server.rooms("alice")[0]["read_marker"] == 50).await;
}

fn open_at(server: &ServerProcess, proxy: &FaultProxy, folder: &tempfile::TempDir) -> Engine {
    open(server, proxy.url(), folder)
}

#[tokio::test]
async fn thirty_rooms_share_few_connections_and_all_get_their_turn() {
    let server = ScriptedServer::start(|request| match request.path.contains("after=") {
        true => Reply::status(204),
        // Slow enough for thirty rooms to ask at once, if they did.
        false => Reply::json(&page(1, 3)).trickled(Duration::from_millis(2)),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let engine =
        Engine::open(config(server.url(), folder.path()), Arc::new(StaticToken(Token::new(TOKEN))), None)
            .unwrap();
    let rooms: Vec<_> = (1..=30)
        .map(|n| {
            let listener = RecordingListener::new();
            let room = engine.room(RoomId::new(n).unwrap(), listener.clone()).unwrap();
            room.start();
            (room, listener)
        })
        .collect();
    eventually("all are shown", || rooms.iter().all(|(_, l)| l.ids() == [1, 2, 3])).await;
    let polls = |n: i64| {
        server.requests().iter().filter(|r| r.path.contains(&format!("/rooms/{n}/messages?after"))).count()
    };
    eventually("each polled ten times", || (1..=30).all(|n| polls(n) >= 10)).await;
    let counts: Vec<_> = (1..=30).map(polls).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*most <= *least * 2, "nobody waits twice as long as another: {counts:?}");
    assert!(server.connections() <= 6, "{} connections", server.connections());
}

#[tokio::test]
async fn a_push_brings_a_room_up_to_date_that_nobody_shows() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let room_id = server.room();
    server.say(room_id, "bob", "1");
    let phone = Phone::open(proxy.url(), &server.token("alice"), room_id);
    phone.room.start();
    eventually("shown", || phone.listener.ids() == [1]).await;
    phone.room.stop();
    let mut bob = server.sayer(room_id, "bob");
    (2..=700).for_each(|n| drop(bob.say(&n.to_string())));
    for _ in 0..10 {
        phone.engine.wake(room_id).unwrap();
    }
    let cached = || {
        let path = phone.engine.cache_path().to_owned();
        let cache = rusqlite::Connection::open(path).unwrap();
        cache.query_row("SELECT count(*) FROM message", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    eventually("in the cache", || cached() == 700).await;
    assert_eq!(phone.listener.ids(), [1], "and the stopped screen heard nothing");
    proxy.go_down();
    phone.room.start();
    eventually("shown offline", || phone.listener.ids().len() == 700).await;
    assert!(phone.engine.wake(RoomId::new(999).unwrap()).is_ok(), "a room that is not there does no harm");
}

#[tokio::test]
async fn a_push_that_comes_while_an_earlier_one_is_answered_is_answered_too() {
    // The first answer is cut before the second message, and takes its time to come.
    let server = ScriptedServer::start(|request| match request.path.contains("after=1") {
        true => Reply::json(&page(2, 2)),
        false => Reply::json(&page(1, 1)).trickled(Duration::from_millis(20)),
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, RoomId::new(1).unwrap());
    phone.engine.wake(phone.room.id()).unwrap();
    eventually("the first is on its way", || server.count() == 1).await;
    phone.engine.wake(phone.room.id()).unwrap();
    assert!(phone.listener.ids().is_empty(), "it is still on its way");
    eventually("both are there", || phone.listener.ids() == [1, 2]).await;
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn pushes_for_a_server_that_is_down_do_not_hammer_it() {
    let server = ScriptedServer::start(|_| Reply::status(503)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut patient = config(server.url(), folder.path());
    patient.timings.backoff_base = Duration::from_secs(60);
    patient.timings.backoff_cap = Duration::from_secs(60);
    let engine = Engine::open(patient, Arc::new(StaticToken(Token::new(TOKEN))), None).unwrap();
    for _ in 0..100 {
        engine.wake(RoomId::new(1).unwrap()).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(server.count() <= 3, "{} requests for a hundred pushes", server.count());
}

#[tokio::test]
async fn the_network_back_sends_what_is_unsent_in_rooms_that_nobody_opened() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let room_id = server.room();
    proxy.go_down();
    let phone = Phone::open(proxy.url(), &server.token("alice"), room_id);
    phone.room.send("hello").unwrap();
    let Phone { folder, room, engine, .. } = phone;
    drop((room, engine));
    let mut patient = config(proxy.url(), folder.path());
    patient.timings.backoff_base = Duration::from_secs(600);
    patient.timings.backoff_cap = Duration::from_secs(600);
    let token = Arc::new(StaticToken(Token::new(server.token("alice"))));
    let engine = Engine::open(patient, token, None).unwrap();
    let requests = proxy.requests();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(proxy.requests(), requests, "it waits");
    proxy.come_back();
    engine.network_back();
    eventually("sent", || server.messages(room_id).len() == 1).await;
}
