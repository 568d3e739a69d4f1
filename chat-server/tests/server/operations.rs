//! What is there for who watches the server.

use crate::common::{Answer, Api, DEADLINE, Server};
use crate::sse::Events;
use chat_protocol::ErrorCode;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn figure(answer: &Answer, name: &str) -> f64 {
    assert_eq!(answer.status, 200);
    let text = std::str::from_utf8(&answer.body).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

fn of_transport(answer: &Answer, name: &str, transport: &str) -> f64 {
    figure(answer, &format!("{name}{{transport=\"{transport}\"}}"))
}

/// The figures, once they are so: who was answered may know of it before it is counted.
async fn figures(watcher: &Api, what: &str, right: impl Fn(&Answer) -> bool) -> Answer {
    let waited = Instant::now();
    loop {
        let seen = watcher.get("/metrics").await;
        if right(&seen) {
            return seen;
        }
        assert!(waited.elapsed() < DEADLINE, "never {what}:\n{}", String::from_utf8_lossy(&seen.body));
    }
}

#[tokio::test]
async fn it_lives_and_is_ready() {
    let server = Server::start();
    let anybody = server.with_token(None);
    assert_eq!(anybody.get("/healthz").await.status, 200);
    let waited = Instant::now();
    let ready = loop {
        // A machine that stands still for some seconds is not ready meanwhile.
        let ready = anybody.get("/readyz").await;
        if ready.status == 200 {
            break ready;
        }
        assert!(waited.elapsed() < DEADLINE, "{ready:?}");
    };
    assert_eq!(ready.status, 200);
    let expected = serde_json::json!({ "ready": true, "database": "ok", "draining": false });
    assert_eq!(ready.json::<serde_json::Value>(), expected);
}

#[tokio::test]
async fn the_metrics_are_not_for_the_world() {
    let server = Server::start();
    server.with_token(None).get("/metrics").await.is(ErrorCode::NotFound);
    server.user("alice").get("/metrics").await.is(ErrorCode::NotFound);

    let guarded = Server::start_with(&["--metrics-token", "of the scraper"]);
    guarded.with_token(None).get("/metrics").await.is(ErrorCode::TokenMissing);
    guarded.user("alice").get("/metrics").await.is(ErrorCode::TokenRefused);
    let near = guarded.with_token(Some("of the scrapes".into()));
    near.get("/metrics").await.is(ErrorCode::TokenRefused);
    let scraper = guarded.with_token(Some("of the scraper".into()));
    assert_eq!(figure(&scraper.get("/metrics").await, "chat_draining"), 0.0);
    // It is a token for this, and nothing else.
    scraper.get("/v1/rooms").await.is(ErrorCode::TokenRefused);
}

#[tokio::test]
async fn at_an_address_of_their_own_they_need_no_token_and_nothing_else_is_served_there() {
    let mut server = Server::start_with(&["--metrics-listen", "127.0.0.1:0"]);
    let watcher = server.watched();
    let answer = watcher.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(watcher.get("/healthz").await.status, 200);
    assert_eq!(watcher.get("/readyz").await.status, 200);
    let alice = Api { token: server.user("alice").token, ..watcher };
    alice.get("/v1/rooms").await.is(ErrorCode::NotFound);
    server.with_token(None).get("/metrics").await.is(ErrorCode::NotFound);
}

#[tokio::test]
async fn who_asks_nothing_where_others_watch_is_closed_and_they_are_not_without_number() {
    let mut server = Server::start_with(&["--metrics-listen", "127.0.0.1:0"]);
    let watcher = server.watched();
    let address = watcher.url.split_once("://").unwrap().1;
    let began = Instant::now();
    let idle = (0..64).map(|_| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n").unwrap();
        socket
    });
    let idle: Vec<_> = idle.collect();
    // Whoever comes then waits for one of them to be closed, after ten seconds.
    assert_eq!(watcher.get("/healthz").await.status, 200);
    assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
    for mut socket in idle {
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = socket.read_to_end(&mut Vec::new()).expect("it is still open");
    }
    // Nobody else was kept out meanwhile.
    assert_eq!(server.with_token(None).get("/healthz").await.status, 200);
}

#[tokio::test]
async fn what_happens_is_counted_by_route_and_transport() {
    let mut server = Server::start_with(&["--metrics-listen", "127.0.0.1:0"]);
    let watcher = server.watched();
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let mut events = Events::open(&alice, room, 0).await;
    let mut socket = server.socket(room, "bob", 0).await;
    socket.changes().await;
    // Who has a place may still be reading what was missed, and finds the message there: then nothing was brought to
    // it, and another one is said.
    const TRANSPORTS: [&str; 3] = ["sse", "websocket", "long_poll"];
    let (mut said, waited) = (0.0, Instant::now());
    loop {
        let held = {
            let alice = alice.clone();
            tokio::spawn(async move { alice.page(room, &format!("?after={said}&wait=20")).await })
        };
        let waits = |seen: &Answer| of_transport(seen, "chat_listeners", "long_poll") == 1.0;
        figures(&watcher, "a long poll", waits).await;
        alice.say(room, "hi").await;
        said += 1.0;
        events.message().await;
        socket.changes().await;
        held.await.unwrap();
        let seen = figures(&watcher, "no long poll any more", |seen| {
            of_transport(seen, "chat_listeners", "long_poll") == 0.0
        });
        let seen = seen.await;
        if TRANSPORTS.iter().all(|by| of_transport(&seen, "chat_deliveries_total", by) > 0.0) {
            break;
        }
        assert!(waited.elapsed() < DEADLINE, "nothing is ever brought to somebody");
    }
    let requests = |seen: &Answer, method, route, status| {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        figure(seen, &format!("chat_http_requests_total{{{labels}}}"))
    };
    let seen = figures(&watcher, "as many as were said", |seen| {
        requests(seen, "POST", "/v1/rooms/{room}/messages", 201) == said
            && requests(seen, "GET", "/v1/rooms/{room}/messages", 200) == said
            && requests(seen, "GET", "/v1/rooms/{room}/socket", 101) == 1.0
            && figure(seen, "chat_delivery_lag_seconds_count") >= 1.0
    });
    let seen = seen.await;
    let listeners = TRANSPORTS.map(|by| of_transport(&seen, "chat_listeners", by));
    assert_eq!(listeners, [1.0, 1.0, 0.0]);
    for by in TRANSPORTS {
        let brought = of_transport(&seen, "chat_deliveries_total", by);
        assert!((1.0..=said).contains(&brought), "{by}: {brought} of {said}");
    }
    let connections = figure(&seen, "chat_http_connections");
    // The stream, the socket, and what the client keeps for its next requests: who watches is not counted.
    assert!((3.0..=6.0).contains(&connections), "{connections}");
    assert!(!String::from_utf8(seen.body).unwrap().contains("alice"));
}
