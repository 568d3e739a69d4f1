//! Nothing is left behind. The only test of this program, because it counts the whole process's
//! threads and descriptors, and a test runner starts and ends threads for its tests.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{Engine, StaticToken, Token};
use chat_testkit::{LIVE, RecordingListener, ServerProcess, config, count_of_own, wait};
use std::sync::Arc;

/// Threads and file descriptors.
fn held() -> (usize, usize) {
    (count_of_own("task"), count_of_own("fd"))
}

#[test]
fn a_thousand_starts_and_stops_leave_threads_and_descriptors_where_they_were() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let id = server.room();
    let token = Arc::new(StaticToken(Token::new(server.token("alice"))));
    let open = || Engine::open(config(server.url(), folder.path()), token.clone(), None).unwrap();
    open().close(); // what a process has once and for all, tokio's signal pipe for one
    let before = held();
    let engine = open();
    let listener = RecordingListener::new();
    let room = engine.room(id, listener.clone()).unwrap();
    room.start();
    wait("live", || listener.connection() == Some(LIVE));
    let running = held();
    for turn in 0..1_000 {
        room.stop();
        let heard = listener.calls();
        room.start();
        if turn % 50 == 0 {
            // Some of them get as far as an answer.
            wait("a job that works", || listener.calls() > heard && listener.connection() == Some(LIVE));
        }
    }
    room.stop();
    wait("no more than one job has", || held().0 <= running.0 && held().1 <= running.1);
    engine.close();
    drop((room, engine));
    wait("everything given back", || held() == before);
}
