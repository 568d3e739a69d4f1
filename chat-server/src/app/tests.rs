//! What cannot be brought about from outside: a panic, and a disk that stalls.

use super::{App, Around, router, surround};
use crate::auth::{Secret, Tokens, mint};
use crate::hub::{Batching, Bounds, Hub};
use crate::store::{NewRoom, Options, Store};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use chat_protocol::{ErrorCode, Problem, UserId};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tower::ServiceExt;

async fn problem(response: Response<Body>) -> Problem {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    serde_json::from_slice(&to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_says_nothing() {
    async fn boom() {
        panic!("secret");
    }
    let app: Router = surround(Router::new().route("/boom", get(boom)), Around::default());
    let response = app.oneshot(Request::get("/boom").body(Body::empty()).unwrap()).await.unwrap();
    let problem = problem(response).await;
    assert_eq!((problem.code, problem.detail), (ErrorCode::Internal, None));
}

#[tokio::test]
async fn when_too_many_writes_wait_the_next_is_told_to_come_back_and_none_is_lost() {
    const QUEUE: usize = 2;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let options = Options { writer_queue: QUEUE, ..Options::default() };
    let (store, threads) = Store::open(path.as_path(), options, |_| {}).await.unwrap();
    let (alice, secret) = (UserId::new("alice").unwrap(), Secret::random());
    let token = mint(&alice, &secret, Duration::from_secs(60)).unwrap();
    let room = NewRoom { creator: alice.clone(), title: "t".into(), members: vec![], key: None };
    store.create_room(room).await.unwrap();
    let hub = Hub::new(Bounds::default(), Batching::default(), Arc::default());
    let app = router(App {
        store,
        hub,
        tokens: Arc::new(Tokens::new(&secret)),
        origins: Arc::default(),
        limits: Arc::default(),
        tls: false,
        metrics: Arc::default(),
        traces: Default::default(),
        metrics_token: None,
        readiness: Arc::default(),
        poll_interval: None,
        max_wait: Duration::ZERO,
        heartbeat: Duration::ZERO,
        web: true,
    });
    // The disk stalls: another process holds the lock.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut answers = JoinSet::new();
    // Far more than the queue and what the writer takes off it before it notices the lock.
    for n in 0..200 {
        let request = Request::post("/v1/rooms/1/messages")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("idempotency-key", n.to_string());
        answers.spawn(app.clone().oneshot(request.body(Body::from(r#"{"text":"hi"}"#)).unwrap()));
    }
    // Nothing can be stored, so the first answer is of one turned away.
    let refused = answers.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(problem(refused).await.code, ErrorCode::Unavailable);

    other.execute_batch("ROLLBACK").unwrap();
    let mut accepted = 0;
    while let Some(answer) = answers.join_next().await {
        match answer.unwrap().unwrap().status() {
            StatusCode::CREATED => accepted += 1,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        }
    }
    assert!(accepted >= QUEUE as i64, "{accepted}");
    let stored: i64 = other.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, accepted);
    drop(app);
    threads.join();
}
