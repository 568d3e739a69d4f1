//! SIGTERM under load: what was begun is finished, who listens is told, nothing confirmed is lost.

use crate::common::{Api, DEADLINE, LONG_DRAIN, Server, client, database, key};
use crate::process::half_a_post;
use crate::sse::Events;
use chat_protocol::{CloseCode, RoomId};
use reqwest::StatusCode;
use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Does what a balancer does with a node that says that it is not ready: gives it nothing more.
async fn balancer(watcher: Api, closed: Arc<AtomicBool>) {
    while watcher.get("/readyz").await.status == StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    closed.store(true, Ordering::Relaxed);
}

/// Says one thing after the other; returns what was confirmed. Every request gets its answer.
async fn talk(api: Api, room: RoomId, closed: Arc<AtomicBool>, said: Arc<AtomicUsize>) -> Vec<String> {
    let mut confirmed = Vec::new();
    while !closed.load(Ordering::Relaxed) {
        let text = key();
        assert_eq!(api.say_as(room, &text, &text).await.status, 201);
        confirmed.push(text);
        said.fetch_add(1, Ordering::Relaxed);
    }
    confirmed
}

async fn long_polls(api: Api, room: RoomId, closed: Arc<AtomicBool>) -> Vec<String> {
    let mut after = 0;
    while !closed.load(Ordering::Relaxed) {
        let answer = api.ask(room, &format!("?after={after}&wait=20")).await;
        if answer.status == 200 {
            after = answer.json::<chat_protocol::Page>().cursor.get();
        } else {
            assert_eq!(answer.status, 204, "{answer:?}");
        }
    }
    Vec::new()
}

async fn stream(api: Api, room: RoomId) -> Vec<String> {
    let mut events = Events::open(&api, room, 0).await;
    loop {
        let block = events.block().await.expect("ended without a word");
        if let Some(end) = block.strip_prefix("event: end\ndata: ") {
            let problem: chat_protocol::Problem = serde_json::from_str(end).unwrap();
            assert_eq!(problem.code, CloseCode::GoingAway.code());
            return Vec::new();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_is_cut_off_and_nothing_confirmed_is_lost() {
    let (database, _folder) = database();
    // A balancer that has not noticed by the end of the delay would send its clients to a closed door.
    let options = ["--drain-delay", "8s", "--metrics-listen", "127.0.0.1:0"];
    let mut server = Server::start_on(&database, &[&LONG_DRAIN[..], &options].concat());
    let (watcher, alice) = (server.watched(), server.user("alice"));
    let room = alice.make_room(&[]).await;
    let closed = Arc::new(AtomicBool::new(false));
    let said = Arc::new(AtomicUsize::new(0));
    let mut load = JoinSet::new();
    for number in 0..12 {
        let (closed, api) = (Arc::clone(&closed), server.user("alice"));
        let http2 = Api { http: client(|builder| builder.http2_prior_knowledge()), ..api.clone() };
        match number % 4 {
            0 => drop(load.spawn(talk(api, room, closed, Arc::clone(&said)))),
            1 => drop(load.spawn(talk(http2, room, closed, Arc::clone(&said)))),
            2 => drop(load.spawn(long_polls(api, room, closed))),
            _ => drop(load.spawn(stream(http2, room))),
        }
    }
    let mut socket = server.socket(room, "alice", 0).await;
    let waited = Instant::now();
    while said.load(Ordering::Relaxed) < 100 {
        assert!(waited.elapsed() < DEADLINE, "no load: {}", said.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    server.signal("-TERM");
    let balancer = tokio::spawn(balancer(watcher.clone(), closed));
    let mut confirmed = Vec::new();
    while let Some(done) = load.join_next().await {
        confirmed.extend(done.unwrap());
    }
    balancer.await.unwrap();
    while socket.next().await.is_ok_and(|message| !message.is_close()) {}
    drop(socket);
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("cut off"), "{}", ended.stderr);

    let server = Server::start_on(&database, &[]);
    let mut found: HashMap<String, u32> = HashMap::new();
    let mut after = 0;
    loop {
        let answer = server.user("alice").ask(room, &format!("?after={after}&limit=500")).await;
        if answer.status == 204 {
            break;
        }
        let page: chat_protocol::Page = answer.json();
        after = page.cursor.get();
        for message in page.messages {
            *found.entry(message.text).or_default() += 1;
        }
    }
    for text in &confirmed {
        assert_eq!(found.get(text), Some(&1), "{text}");
    }
    assert_eq!(found.len(), confirmed.len());
}

#[tokio::test]
async fn until_the_delay_is_over_it_serves_and_says_that_it_is_about_to_stop() {
    let mut server = Server::start_with(&["--drain-delay", "60s", "--metrics-listen", "127.0.0.1:0"]);
    let (watcher, alice) = (server.watched(), server.user("alice"));
    let room = alice.make_room(&[]).await;
    let mut events = Events::open(&alice, room, 0).await;
    assert_eq!(alice.get("/readyz").await.header("connection"), "");
    server.signal("-TERM");
    let deadline = Instant::now() + DEADLINE;
    while alice.get("/readyz").await.status == 200 {
        assert!(Instant::now() < deadline, "still ready");
    }
    let expected = serde_json::json!({ "ready": false, "database": "ok", "draining": true });
    loop {
        let ready = watcher.get("/readyz").await;
        assert_eq!(ready.status, 503);
        // The database of a machine that stands still does not answer in time.
        if ready.json::<serde_json::Value>() == expected {
            break;
        }
        assert!(Instant::now() < deadline, "{ready:?}");
    }
    assert_eq!(watcher.get("/healthz").await.status, 200);
    let metrics = watcher.get("/metrics").await;
    assert!(String::from_utf8(metrics.body).unwrap().contains("\nchat_draining 1\n"));

    // Newcomers are served, too, on connections that are not kept.
    let newcomer = server.user("alice");
    newcomer.say(room, "still here").await;
    assert_eq!(newcomer.get("/v1/rooms").await.header("connection"), "close");
    assert_eq!(events.message().await.text, "still here");

    // Whoever asks again is in a hurry.
    server.signal("-TERM");
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("ending at once"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_who_never_finishes() {
    let server = Server::start_with(&["--drain-timeout", "60s"]);
    let _socket = half_a_post(&server).await;
    let asked = Instant::now();
    server.signal("-TERM");
    // Two signals at the same time are one.
    while TcpStream::connect(server.address()).is_ok() {
        assert!(asked.elapsed() < DEADLINE, "newcomers are still taken");
    }
    server.signal("-TERM");
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.contains("ending at once"), "{}", ended.stderr);
    assert!(asked.elapsed() < DEADLINE, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_peer_of_http2_that_no_longer_answers_does_not_hold_the_end_up() {
    let server = Server::start_with(&["--drain-timeout", "60s"]);
    let alice = server.user("alice");
    let http2 = Api { http: client(|builder| builder.http2_prior_knowledge()), ..alice };
    assert_eq!(http2.get("/v1/rooms").await.status, 200);
    let asked = Instant::now();
    // Waits on the thread that the connection would be looked after by.
    assert_eq!(server.stop().status.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}
