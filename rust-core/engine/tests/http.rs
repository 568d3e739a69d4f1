//! HTTP as it should be spoken: HTTP/2 over TLS, compressed answers, one connection.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::transport::Fault;
use chat_engine::{ConnectionState, Engine, EngineConfig, StaticToken, Token, Trust};
use chat_protocol::RoomId;
use chat_testkit::{
    Phone, RecordingListener, Reply, Request, ScriptedServer, TOKEN, config, eventually, page,
};
use std::sync::Arc;
use std::time::Duration;

fn quiet(request: &Request) -> Reply {
    if request.path.contains("after=") { Reply::status(204) } else { Reply::json(&page(1, 3)) }
}

fn open(config: EngineConfig) -> Engine {
    Engine::open(config, Arc::new(StaticToken(Token::new(TOKEN))), None).unwrap()
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let (server, certificate) = ScriptedServer::start_tls(quiet).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(server.url(), folder.path());
    config.trust = Trust::Roots(vec![certificate]);
    let engine = open(config);
    let listener = RecordingListener::new();
    let room = engine.room(RoomId::new(1).unwrap(), listener.clone()).unwrap();
    room.start();
    eventually("shown", || listener.texts().len() == 3).await;
    assert_eq!(format!("{:?}", server.requests()[0].version), "HTTP/2.0");
    assert_eq!(server.requests()[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn polls_share_one_connection() {
    let server = ScriptedServer::start(quiet).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(config(server.url(), folder.path()));
    let room = engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap();
    room.start();
    eventually("thirty polls", || server.count() >= 30).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (server, _certificate) = ScriptedServer::start_tls(quiet).await;
    let phone = Phone::open(server.url(), TOKEN, RoomId::new(1).unwrap());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("it is told", || {
        matches!(listener.connection(), Some(ConnectionState::Waiting { error, .. }) if error.fault() == Some(Fault::Tls))
    })
    .await;
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_compressed_page_is_read() {
    // 300 bytes of gzip; what decompresses it is tested by being shown.
    let server = ScriptedServer::start(|request| {
        assert!(request.headers["accept-encoding"].contains("gzip"));
        if request.path.contains("after=") {
            return Reply::status(204);
        }
        Reply::body(200, "application/json", gzip(&serde_json::to_vec(&page(1, 3)).unwrap()))
            .header("content-encoding", "gzip")
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, RoomId::new(1).unwrap());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("shown", || listener.texts().len() == 3).await;
}

#[tokio::test]
async fn a_small_compressed_answer_that_grows_beyond_the_bound_is_refused() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let server = ScriptedServer::start(move |_| {
        Reply::body(200, "application/json", bomb.clone()).header("content-encoding", "gzip")
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, RoomId::new(1).unwrap());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("refused", || {
        matches!(listener.connection(), Some(ConnectionState::Waiting { error, .. })
            if error.to_string() == "bad answer: too large")
    })
    .await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_slow_answer_that_keeps_coming_is_waited_for() {
    let server = ScriptedServer::start(|request| match request.path.contains("after=") {
        true => Reply::status(204),
        false => Reply::json(&page(1, 100)).trickled(Duration::from_millis(40)),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(server.url(), folder.path());
    config.timings.answer_timeout = Duration::from_millis(300);
    let engine = open(config);
    let listener = RecordingListener::new();
    let room = engine.room(RoomId::new(1).unwrap(), listener.clone()).unwrap();
    room.start();
    eventually("shown", || listener.texts().len() == 100).await;
    assert_eq!(
        server.requests().iter().filter(|r| !r.path.contains("after=")).count(),
        1,
        "at the first try"
    );
}
