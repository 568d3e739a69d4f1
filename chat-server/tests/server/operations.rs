//! What is there for who watches the server.

use crate::common::{Answer, Api, Server};
use crate::sse::Events;
use chat_protocol::ErrorCode;

fn figure(answer: &Answer, name: &str) -> f64 {
    assert_eq!(answer.status, 200);
    let text = std::str::from_utf8(&answer.body).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

#[tokio::test]
async fn it_lives_and_is_ready() {
    let server = Server::start();
    let anybody = server.with_token(None);
    assert_eq!(anybody.get("/healthz").await.status, 200);
    let ready = anybody.get("/readyz").await;
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
async fn what_happens_is_counted_by_route_and_transport() {
    let mut server = Server::start_with(&["--metrics-listen", "127.0.0.1:0"]);
    let watcher = server.watched();
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let mut events = Events::open(&alice, room, 0).await;
    let mut socket = server.socket(room, "bob", 0).await;
    socket.changes().await;
    let held = {
        let alice = alice.clone();
        tokio::spawn(async move { alice.page(room, "?after=0&wait=20").await })
    };
    let listeners =
        |answer: &Answer, transport| figure(answer, &format!("chat_listeners{{transport=\"{transport}\"}}"));
    while listeners(&watcher.get("/metrics").await, "long_poll") < 1.0 {}
    alice.say(room, "hi").await;
    events.message().await;
    socket.changes().await;
    held.await.unwrap();
    let seen = watcher.get("/metrics").await;
    assert_eq!(
        (listeners(&seen, "sse"), listeners(&seen, "websocket"), listeners(&seen, "long_poll")),
        (1.0, 1.0, 0.0)
    );
    for transport in ["sse", "websocket", "long_poll"] {
        assert_eq!(figure(&seen, &format!("chat_deliveries_total{{transport=\"{transport}\"}}")), 1.0);
    }
    assert_eq!(figure(&seen, "chat_delivery_lag_seconds_count"), 1.0);
    let requests = |method, route, status| {
        figure(
            &seen,
            &format!("chat_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"),
        )
    };
    assert_eq!(requests("POST", "/v1/rooms/{room}/messages", 201), 1.0);
    assert_eq!(requests("GET", "/v1/rooms/{room}/messages", 200), 1.0);
    assert_eq!(requests("GET", "/v1/rooms/{room}/socket", 101), 1.0);
    let connections = figure(&seen, "chat_http_connections");
    assert!((3.0..=4.0).contains(&connections), "{connections}");
    assert!(!String::from_utf8(seen.body).unwrap().contains("alice"));
}
