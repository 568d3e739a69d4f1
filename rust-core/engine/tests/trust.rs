//! One trust decision, whoever makes it, for every transport.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::TransportKind::{LongPolling, Polling, Sse, WebSocket};
use chat_engine::transport::Fault;
use chat_engine::{ConnectionState, Distrust, ServerTrust, TransportChoice, TransportKind, Trust};
use chat_protocol::RoomId;
use chat_testkit::{Phone, Reply, Request, ScriptedServer, ServerProcess, TOKEN, eventually, page};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Says these one after the other, the last one for ever.
#[derive(Debug)]
struct Decider {
    verdicts: Mutex<VecDeque<Result<(), Distrust>>>,
    asked: Mutex<Vec<String>>,
}

fn decider(verdicts: &[Result<(), Distrust>]) -> Arc<Decider> {
    Arc::new(Decider { verdicts: Mutex::new(verdicts.iter().copied().collect()), asked: Mutex::default() })
}

impl Decider {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn changes_its_mind(&self, verdict: Result<(), Distrust>) {
        *self.verdicts.lock().unwrap() = [verdict].into();
    }
}

impl ServerTrust for Decider {
    fn verify(&self, chain: &[&[u8]], host: &str) -> Result<(), Distrust> {
        assert_eq!(chain.len(), 1);
        self.asked.lock().unwrap().push(host.to_owned());
        let mut verdicts = self.verdicts.lock().unwrap();
        if verdicts.len() > 1 { verdicts.pop_front().unwrap() } else { verdicts[0] }
    }
}

const NO: Result<(), Distrust> = Err(Distrust::Refused);

fn phone(url: &str, token: &str, room: RoomId, kind: TransportKind, trust: &Arc<Decider>) -> Phone {
    Phone::with(url, token, room, |config| {
        config.transport = TransportChoice::Only(kind);
        config.trust = Trust::Ask(trust.clone());
    })
}

fn waits_for_trust(phone: &Phone) -> bool {
    matches!(phone.listener.connection(), Some(ConnectionState::Waiting { error, .. }) if error.fault() == Some(Fault::Tls))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_of_every_transport_is_asked_about() {
    let mut server = ServerProcess::start();
    let (room, token) = (server.room(), server.token("alice"));
    tokio::task::block_in_place(|| server.restart_with_tls());
    for kind in [Polling, LongPolling, Sse, WebSocket] {
        let trust = decider(&[Ok(())]);
        let phone = phone(server.url(), &token, room, kind, &trust);
        phone.room.start();
        eventually("live by it", || {
            phone.listener.connection() == Some(ConnectionState::Live { transport: kind })
        })
        .await;
        // One for what is asked, and one for what is waited on, over which HTTP/2 carries the rest.
        let connections = if kind == Polling { 1 } else { 2 };
        // A long poll is live with the poll before it, while its own connection is still being made.
        eventually("both are there", || trust.asked().len() == connections).await;
        assert_eq!(trust.asked(), vec!["localhost"; connections], "{kind:?}");
    }
}

fn quiet(request: &Request) -> Reply {
    if request.path.contains("after=") { Reply::status(204) } else { Reply::json(&page(1, 3)) }
}

#[tokio::test]
async fn who_is_not_believed_is_told_nothing_until_he_is() {
    for kind in [Polling, LongPolling, Sse, WebSocket] {
        let (server, _certificate) = ScriptedServer::start_tls(quiet).await;
        let trust = decider(&[NO]);
        let phone = phone(server.url(), TOKEN, RoomId::new(1).unwrap(), kind, &trust);
        phone.room.start();
        phone.room.send("for no other eyes").unwrap();
        eventually("it is told", || waits_for_trust(&phone)).await;
        eventually("tried again", || trust.asked().len() > 4).await;
        assert_eq!(server.count(), 0, "{kind:?}");
        trust.changes_its_mind(Ok(()));
        eventually("shown", || phone.listener.texts().len() == 4).await;
        eventually("sent", || server.requests().iter().any(|request| request.method == "POST")).await;
    }
}

#[tokio::test]
async fn a_stream_whose_server_is_not_believed_is_not_opened() {
    // The first connection is for the polls; the stream's own is the second.
    for kind in [LongPolling, Sse, WebSocket] {
        let (server, _certificate) = ScriptedServer::start_tls(quiet).await;
        let trust = decider(&[Ok(()), NO]);
        let phone = phone(server.url(), TOKEN, RoomId::new(1).unwrap(), kind, &trust);
        phone.room.start();
        eventually("the stream is refused", || trust.asked().len() > 1).await;
        let before = server.count();
        eventually("it is polled", || server.count() > before + 5).await;
        for request in server.requests() {
            assert!(
                !["wait=", "/events", "/socket"].iter().any(|it| request.path.contains(it)),
                "{request:?}"
            );
        }
    }
}
