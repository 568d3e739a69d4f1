//! The public conformance suite (Autobahn's fuzzing client) against this module's own stack: the same
//! upgrade, sink, settings and end as a room's socket has, saying back what it hears, as the suite wants.
//! `scripts/conformance` brings the suite and runs this; it takes minutes.

use super::frames;
use super::pace::Pace;
use super::peer::{Farewell, Peer};
use super::{handshake, wire};
use crate::hub::{Batching, Bounds, Hub};
use crate::limits::Limits;
use crate::serve;
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use hyper::upgrade::OnUpgrade;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpListener;
use tungstenite::Message;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::Data;

/// The largest that the suite sends.
const MOST_BYTES: usize = 16 << 20;

async fn upgrade(mut request: Request) -> axum::response::Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().unwrap();
    let accept = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
    tokio::spawn(async move {
        let connection = wire::take(upgrade.await.unwrap()).unwrap();
        echo(Peer::new(connection, MOST_BYTES, Pace::unbounded())).await;
    });
    let mut response = handshake::switch(&accept.parse().unwrap());
    response.headers_mut().remove("sec-websocket-protocol"); // none was offered
    response
}

async fn echo(mut peer: Peer) {
    let ending = loop {
        // As a session: what waits first.
        let heard = poll_fn(|cx| match peer.sink.poll_written(cx) {
            Poll::Ready(Ok(())) => peer.poll_message(cx),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Pending => Poll::Pending,
        });
        match heard.await {
            Ok(Message::Text(text)) => peer.sink.put(&frames::message(Data::Text, text.as_bytes())),
            Ok(Message::Binary(bytes)) => peer.sink.put(&frames::message(Data::Binary, &bytes)),
            Ok(Message::Close(_)) => break Farewell::Echo,
            Ok(_) => {}
            Err(error) => break Farewell::of(&error),
        }
    };
    peer.sink.seal();
    peer.end(ending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the suite: scripts/conformance"]
async fn autobahn_finds_nothing_wrong() {
    let suite = std::env::var("CHAT_WSTEST").expect("CHAT_WSTEST: how to run the suite");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async {
        let (router, hub) = (
            Router::new().route("/", get(upgrade)),
            Hub::new(Bounds::default(), Batching::default(), Arc::default()),
        );
        serve::serve(listener, None, router, &Limits::default(), &hub, pending()).await;
    });

    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("fuzzingclient.json");
    let wanted = json!({
        "outdir": folder.path(),
        "servers": [{ "agent": "chat-server", "url": url, "options": { "version": 18 } }],
        "cases": ["*"],
        // Compression, which is not negotiated.
        "exclude-cases": ["12.*", "13.*"],
        "exclude-agent-cases": {},
    });
    std::fs::write(&spec, wanted.to_string()).unwrap();
    let run = format!("{suite} -m fuzzingclient -s {}", spec.display());
    let status = tokio::task::spawn_blocking(move || {
        std::process::Command::new("sh").args(["-c", &run]).stdout(std::process::Stdio::null()).status()
    });
    assert!(status.await.unwrap().unwrap().success());

    let report = std::fs::read(folder.path().join("index.json")).unwrap();
    let report: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_slice(&report).unwrap();
    let (mut counts, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for (case, verdict) in &report["chat-server"] {
        let (behaviour, close) = (&verdict["behavior"], &verdict["behaviorClose"]);
        let both = format!("{}, close {}", behaviour.as_str().unwrap(), close.as_str().unwrap());
        let good = |verdict: &Value| ["OK", "NON-STRICT", "INFORMATIONAL"].iter().any(|good| verdict == good);
        if !good(behaviour) || !good(close) {
            wrong.push(format!("{case}: {both}"));
        }
        *counts.entry(both).or_default() += 1;
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
