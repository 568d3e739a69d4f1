//! Against a real server process: what is missed arrives, what is written is sent, once.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{ConnectionState, DeliveryState, Engine, StaticToken, Token};
use chat_testkit::{FaultProxy, LIVE, Phone, RecordingListener, ServerProcess, config, eventually};
use std::collections::HashSet;
use std::sync::Arc;

fn open(server: &ServerProcess, url: &str, folder: &tempfile::TempDir) -> Engine {
    let token = Arc::new(StaticToken(Token::new(server.token("alice"))));
    Engine::open(config(url, folder.path()), token, None).unwrap()
}

fn texts(server: &ServerProcess, room: chat_protocol::RoomId) -> Vec<String> {
    server.messages(room).iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_thousand_three_hundred_and_forty_five_missed_messages_arrive_complete_in_order_once() {
    let server = ServerProcess::start();
    let id = server.room();
    let mut bob = server.sayer(id, "bob");
    bob.say("0");
    let phone = Phone::open(server.url(), &server.token("alice"), id);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("the first is shown", || listener.texts() == ["0"]).await;
    room.stop();
    for n in 1..=2_345 {
        bob.say(&n.to_string());
    }
    room.start();
    let wanted: Vec<String> = (0..=2_345).map(|n| n.to_string()).collect();
    eventually("all are shown", || listener.texts().len() >= wanted.len()).await;
    assert_eq!(listener.texts(), wanted);
    assert_eq!(listener.ids(), (1..=2_346).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_killed_and_restarted_in_the_middle_of_a_poll_costs_nothing() {
    let mut server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let id = server.room();
    let phone = Phone::open(proxy.url(), &server.token("alice"), id);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    let mut said = Vec::new();
    for round in 0..4 {
        eventually("live", || listener.connection() == Some(LIVE)).await;
        for n in 0..25 {
            said.push(format!("{round}.{n}"));
            server.say(id, "bob", said.last().unwrap());
        }
        server.freeze();
        let requests = proxy.requests();
        eventually("a poll that the server has and does not answer", || proxy.requests() > requests).await;
        server.kill();
        eventually("the job notices", || {
            matches!(listener.connection(), Some(ConnectionState::Waiting { .. }))
        })
        .await;
        room.send(&format!("alice {round}")).unwrap();
        server.restart();
        said.push(format!("alice {round}"));
        eventually("everything is shown", || listener.ids().last() == Some(&(said.len() as i64))).await;
    }
    assert_eq!(listener.texts(), said);
    assert_eq!(texts(&server, id), said);
}

#[tokio::test]
async fn korean_emoji_right_to_left_and_four_thousand_characters_survive_the_round_trip() {
    let server = ServerProcess::start();
    let (alices, bobs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let id = server.room();
    let alice = open(&server, server.url(), &alices);
    let mut config = config(server.url(), bobs.path());
    config.account = chat_engine::Account::new(server.url(), chat_testkit::user("bob"), true).unwrap();
    let token = Arc::new(StaticToken(Token::new(server.token("bob"))));
    let bob = Engine::open(config, token, None).unwrap();
    let (at_alice, at_bob) = (RecordingListener::new(), RecordingListener::new());
    let alices_room = alice.room(id, at_alice.clone()).unwrap();
    let bobs_room = bob.room(id, at_bob.clone()).unwrap();
    alices_room.start();
    bobs_room.start();
    let said = [
        "지금 당장 polling으로 채팅을 구현하는 법 💬".to_owned(),
        "👩‍👩‍👧‍👦 🏳️‍🌈 🇰🇷 é e\u{0323}".to_owned(),
        "مرحبا بالعالم \u{202e}abc\u{202c} שלום".to_owned(),
        "\"quotes\" \\ / \u{7f} \u{1b}[31m <script> \n two\r\nlines\ttab".to_owned(),
        "😀".repeat(4_000),
        "한".repeat(4_000),
    ];
    for text in &said {
        alices_room.send(text).unwrap();
    }
    let wanted: Vec<_> =
        said.iter().map(|t| chat_protocol::MessageText::new(t).unwrap().into_string()).collect();
    eventually("bob reads it", || at_bob.texts() == wanted).await;
    eventually("alice does", || at_alice.texts() == wanted && at_alice.ids() == [1, 2, 3, 4, 5, 6]).await;
    assert!(said[0] == wanted[0] && said[4..] == wanted[4..], "these are NFC: byte for byte");
}

#[tokio::test]
async fn a_lost_answer_is_sent_once_and_is_one_row_on_screen_all_the_while() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let id = server.room();
    let phone = Phone::open(proxy.url(), &server.token("alice"), id);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("live", || listener.connection() == Some(LIVE)).await;
    for n in 1..=5 {
        proxy.hold_answers();
        let key = room.send(&format!("hello {n}")).unwrap();
        eventually("the server has it", || texts(&server, id).len() == n).await;
        proxy.go_down();
        let waits = |listener: &RecordingListener| {
            listener.timeline().items().last().is_some_and(|i| i.state == DeliveryState::Pending)
        };
        eventually("the answer is lost, and it waits to be sent again", || waits(listener)).await;
        proxy.come_back();
        eventually("it is confirmed", || listener.ids().last() == Some(&(n as i64))).await;
        let shown = listener.timeline();
        assert_eq!(shown.items().last().unwrap().key, key, "under the key it was written with");
        assert_eq!(shown.items().len(), n);
    }
    assert_eq!(texts(&server, id).len(), 5);
    // On the way, too, there was never a moment with two rows of one message, or none.
    let mut screen = chat_engine::repository::Timeline::default();
    let mut most = 0;
    for update in listener.updates() {
        screen.apply(update);
        let distinct: HashSet<_> = screen.items().iter().map(|i| i.text.clone()).collect();
        assert_eq!(distinct.len(), screen.items().len());
        assert!(screen.items().len() >= most);
        most = screen.items().len();
    }
}

#[tokio::test]
async fn what_is_written_offline_is_sent_in_order_when_the_network_is_back() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let id = server.room();
    let phone = Phone::open(proxy.url(), &server.token("alice"), id);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("live", || listener.connection() == Some(LIVE)).await;
    proxy.go_down();
    let wanted: Vec<String> = (0..20).map(|n| format!("offline {n}")).collect();
    for text in &wanted {
        room.send(text).unwrap();
    }
    eventually("shown at once", || listener.texts() == wanted).await;
    proxy.come_back();
    eventually("all confirmed", || listener.ids() == (1..=20).collect::<Vec<_>>()).await;
    assert_eq!(texts(&server, id), wanted);
    assert_eq!(listener.texts(), wanted);
}

#[tokio::test]
async fn a_refused_message_is_marked_and_holds_up_no_other() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let id = server.room();
    let engine = open(&server, server.url(), &folder);
    let listener = RecordingListener::new();
    // A room that is not there: the first message fails, and so do those after it, each by itself.
    let nowhere = engine.room(chat_protocol::RoomId::new(999).unwrap(), listener.clone()).unwrap();
    let first = nowhere.send("to nobody").unwrap();
    let second = nowhere.send("to nobody either").unwrap();
    let failed = |listener: &RecordingListener| {
        let timeline = listener.timeline();
        timeline.items().iter().filter(|i| matches!(i.state, DeliveryState::Failed(_))).count()
    };
    eventually("both failed", || failed(&listener) == 2).await;
    nowhere.discard(first).unwrap();
    assert!(nowhere.discard(first).is_err() && nowhere.retry(first).is_err());
    nowhere.retry(second).unwrap();
    eventually("it failed again, the other is gone", || {
        listener.texts() == ["to nobody either"] && failed(&listener) == 1
    })
    .await;
    let here = RecordingListener::new();
    let room = engine.room(id, here.clone()).unwrap();
    room.start();
    room.send("to somebody").unwrap();
    eventually("another room's is sent", || here.ids() == [1]).await;
}

#[tokio::test]
async fn a_message_written_while_stopped_is_sent_and_shown_at_the_next_start() {
    let server = ServerProcess::start();
    let id = server.room();
    let phone = Phone::open(server.url(), &server.token("alice"), id);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("live", || listener.connection() == Some(LIVE)).await;
    room.stop();
    room.send("from the background").unwrap();
    eventually("the server has it", || texts(&server, id).len() == 1).await;
    assert!(listener.texts().is_empty());
    room.start();
    eventually("shown", || listener.ids() == [1]).await;
}

#[tokio::test]
async fn an_unsent_message_survives_the_process_and_the_next_one_sends_it() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let id = server.room();
    proxy.go_down();
    let engine = open(&server, proxy.url(), &folder);
    let room = engine.room(id, RecordingListener::new()).unwrap();
    room.send("remember me").unwrap();
    drop((room, engine));
    proxy.come_back();
    let engine = open(&server, proxy.url(), &folder); // opening is enough, no screen needed
    eventually("it is sent", || texts(&server, id) == ["remember me"]).await;
    drop(engine);
}
