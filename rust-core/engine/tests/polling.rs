//! Polling, seen from the server's side and from the screen's.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{ConnectionState, EndReason, Engine, StaticToken, Token};
use chat_protocol::{ErrorCode, RoomId};
use chat_testkit::{
    LIVE, Phone, RecordingListener, Reply, Request, ScriptedServer, TOKEN, config, eventually, page,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn open(server: &ScriptedServer, folder: &tempfile::TempDir) -> Engine {
    Engine::open(config(server.url(), folder.path()), Arc::new(StaticToken(Token::new(TOKEN))), None).unwrap()
}

fn room() -> RoomId {
    RoomId::new(1).unwrap()
}

/// A room of three messages and nothing new.
fn quiet(request: &Request) -> Reply {
    if request.path.contains("after=") { Reply::status(204) } else { Reply::json(&page(1, 3)) }
}

fn polls(server: &ScriptedServer) -> usize {
    server.requests().iter().filter(|r| r.path.contains("after=")).count()
}

#[tokio::test]
async fn a_204_leaves_cache_and_listener_untouched() {
    let server = ScriptedServer::start(quiet).await;
    let phone = Phone::open(server.url(), TOKEN, room());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("the first page is shown", || listener.texts().len() == 3 && polls(&server) >= 1).await;
    eventually("live", || listener.connection() == Some(LIVE)).await;
    let calls = listener.calls();
    let wal = phone.engine.cache_path().with_extension("sqlite3-wal");
    let written = std::fs::metadata(&wal).unwrap();
    let polled = polls(&server);
    eventually("ten more polls", || polls(&server) >= polled + 10).await;
    assert_eq!(listener.calls(), calls);
    let now = std::fs::metadata(&wal).unwrap();
    assert_eq!((now.len(), now.modified().unwrap()), (written.len(), written.modified().unwrap()));
    assert!(server.requests().last().unwrap().path.ends_with("/v1/rooms/1/messages?after=3"));
}

#[tokio::test]
async fn polls_never_overlap_however_often_the_job_is_started() {
    let server = ScriptedServer::start(quiet).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&server, &folder);
    let room = engine.room(room(), RecordingListener::new()).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let room = &room;
            move || (0..50).for_each(|_| room.start())
        })
        .collect();
    std::thread::scope(|scope| threads.into_iter().for_each(|t| drop(scope.spawn(t))));
    eventually("many polls", || server.count() > 20).await;
    assert_eq!(server.most_open(), 1);
}

#[tokio::test]
async fn stop_cancels_the_request_in_flight_and_nothing_is_heard_after_it() {
    let server = ScriptedServer::start(|_| Reply::silence()).await;
    let phone = Phone::open(server.url(), TOKEN, room());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("a request in flight", || server.open() == 1).await;
    room.stop();
    let calls = listener.calls();
    eventually("it was cancelled", || server.dropped() == 1 && server.open() == 0).await;
    assert_eq!(listener.calls(), calls);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_stop_and_a_start_in_one_breath_drop_the_old_request_and_make_a_new_one() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = ScriptedServer::start(move |request| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::silence(),
        _ => quiet(request),
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, room());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("a request in flight", || server.open() == 1).await;
    room.stop();
    room.start();
    eventually("the page is shown", || listener.texts().len() == 3).await;
    assert_eq!(server.dropped(), 1);
}

#[tokio::test]
async fn an_unauthorised_answer_ends_the_job_with_its_own_event_and_a_start_begins_anew() {
    let server = ScriptedServer::start(|_| Reply::problem(ErrorCode::TokenRefused)).await;
    let phone = Phone::open(server.url(), TOKEN, room());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    let ended = ConnectionState::Ended(EndReason::SessionEnded);
    eventually("the session ended", || listener.connection() == Some(ended.clone())).await;
    assert_eq!(server.count(), 2, "once, and once more with a fresh token");
    assert_eq!(listener.connections().iter().filter(|c| **c == ended).count(), 1);
    phone.engine.resume_session();
    room.start();
    eventually("it asks again", || server.count() == 4).await;
}

#[tokio::test]
async fn not_a_member_and_no_such_room_end_the_job_too() {
    for (code, reason) in
        [(ErrorCode::NotAMember, EndReason::NotAMember), (ErrorCode::RoomGone, EndReason::RoomNotFound)]
    {
        let server = ScriptedServer::start(move |_| Reply::problem(code)).await;
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&server, &folder);
        let listener = RecordingListener::new();
        let room = engine.room(room(), listener.clone()).unwrap();
        room.start();
        eventually("the room ended", || listener.connection() == Some(ConnectionState::Ended(reason))).await;
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn a_wake_polls_at_once() {
    let server = ScriptedServer::start(quiet).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(server.url(), folder.path());
    config.timings.poll_interval = std::time::Duration::from_secs(3_600);
    let engine = Engine::open(config, Arc::new(StaticToken(Token::new(TOKEN))), None).unwrap();
    let listener = RecordingListener::new();
    let room = engine.room(room(), listener.clone()).unwrap();
    room.start();
    eventually("shown", || listener.connection() == Some(LIVE)).await;
    room.wake();
    eventually("polled", || polls(&server) == 1).await;
}

#[tokio::test]
async fn opening_a_room_shows_the_cache_before_anything_is_asked() {
    let server = ScriptedServer::start(quiet).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&server, &folder);
    let listener = RecordingListener::new();
    let first = engine.room(room(), listener.clone()).unwrap();
    first.start();
    eventually("cached", || listener.texts().len() == 3).await;
    engine.close();
    let asked = server.count();

    let engine = open(&server, &folder);
    let listener = RecordingListener::new();
    let _room = engine.room(room(), listener.clone()).unwrap();
    eventually("shown from the cache", || listener.texts() == ["message 1", "message 2", "message 3"]).await;
    assert_eq!(server.count(), asked);
}

#[tokio::test]
async fn a_room_opened_again_has_one_job_and_its_new_listener() {
    let server = ScriptedServer::start(quiet).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&server, &folder);
    let (old, new) = (RecordingListener::new(), RecordingListener::new());
    let first = engine.room(room(), old.clone()).unwrap();
    first.start();
    eventually("the old one hears", || old.texts().len() == 3).await;
    let second = engine.room(room(), new.clone()).unwrap();
    let heard = old.calls();
    first.start(); // somebody still holds it: to no effect
    second.start();
    eventually("the new one hears", || new.texts().len() == 3 && polls(&server) > 5).await;
    assert_eq!(old.calls(), heard);
    drop(first);
    let polled = polls(&server);
    eventually("dropping the old one stops nothing", || polls(&server) > polled + 3).await;
    assert_eq!(server.most_open(), 1);
}
