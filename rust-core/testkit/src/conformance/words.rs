//! A server, or something in between, that says wrong things.

use super::{by, live, phone, shows};
use crate::{Opening, Phone, StreamServer, TOKEN, Then, Told, config, eventually, message};
use async_trait::async_trait;
use chat_engine::{
    ConnectionState, EndReason, Engine, Token, TokenProvider, TokenUnavailable, TransportKind,
};
use chat_protocol::{CloseCode, ErrorCode, Message, RoomId};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn room() -> RoomId {
    RoomId::new(7).unwrap()
}

/// Message `ids`, as batches.
fn batches(ids: &[&[i64]]) -> Vec<Vec<Message>> {
    ids.iter().map(|ids| ids.iter().map(|id| message(*id, *id)).collect()).collect()
}

/// The first stream says this, the others are well.
fn first(told: Told) -> impl Fn(Opening) -> Told + Send + Sync + 'static {
    move |opening| if opening.nth == 0 { told.clone() } else { Told::well() }
}

/// Two messages are known; then the stream says `told`, where the truth has five.
async fn meets(kind: TransportKind, told: Told) -> (StreamServer, Phone) {
    let server = StreamServer::start(&[kind], 2, first(told)).await;
    let phone = phone(kind, server.url(), TOKEN, room());
    phone.room.start();
    eventually("asked", || !server.openings().is_empty()).await;
    while server.say() < 5 {}
    (server, phone)
}

/// Says one more thing, and sees it come by the transport.
async fn goes_on(kind: TransportKind, server: &StreamServer, phone: &Phone) {
    shows(phone, 5).await;
    live(phone, kind).await;
    shows(phone, server.say()).await;
}

/// What was told is told again.
pub async fn a_repeated_message_is_shown_once(kind: TransportKind) {
    let told = Told::Batches(batches(&[&[3], &[3, 4], &[4, 4, 5]]), Then::Follow);
    let (server, phone) = meets(kind, told).await;
    goes_on(kind, &server, &phone).await;
}

/// What was told first comes last.
pub async fn messages_out_of_order_are_asked_for_again(kind: TransportKind) {
    let told = Told::Batches(batches(&[&[4, 3], &[5], &[2]]), Then::Follow);
    let (server, phone) = meets(kind, told).await;
    goes_on(kind, &server, &phone).await;
}

/// The connection breaks between two batches, and in the middle of one.
pub async fn a_broken_connection_goes_on_where_it_was(kind: TransportKind) {
    for told in [batches(&[&[3]]), batches(&[&[3], &[4, 5]]), Vec::new()] {
        let (server, phone) = meets(kind, Told::Batches(told, Then::Cut)).await;
        goes_on(kind, &server, &phone).await;
    }
}

/// The server ends the connection, for each reason that may pass.
pub async fn a_connection_that_is_ended_goes_on_where_it_was(kind: TransportKind) {
    for code in [
        CloseCode::GoingAway,
        CloseCode::SlowReader,
        CloseCode::RateLimited,
        CloseCode::Internal,
        CloseCode::TooLarge,
        CloseCode::BadFrame,
    ] {
        let (server, phone) = meets(kind, Told::Batches(batches(&[&[3]]), Then::End(code))).await;
        goes_on(kind, &server, &phone).await;
        assert!(server.openings()[1..].iter().all(|o| o.after >= 2), "it begins at the cursor");
    }
}

/// `429` and `503` say when to come back, and are obeyed; nothing waits for it that can be had otherwise.
pub async fn a_busy_server_is_left_alone_for_as_long_as_it_says(kind: TransportKind) {
    for code in [ErrorCode::RateLimited, ErrorCode::Unavailable] {
        let (server, phone) = meets(kind, Told::Problem(code, Some(1))).await;
        if kind != TransportKind::Polling {
            shows(&phone, 5).await; // by polling
        }
        assert_eq!(server.openings().len(), 1, "before the second is over");
        goes_on(kind, &server, &phone).await;
    }
}

/// `404` of a proxy, `426`, `502`, an answer that is none: the transport is not there, the room is.
pub async fn what_something_in_between_says_is_not_believed(kind: TransportKind) {
    for status in [200, 204, 301, 400, 403, 404, 410, 426, 500, 502] {
        if (kind, status) == (TransportKind::Polling, 204) {
            continue; // nothing new
        }
        let (server, phone) = meets(kind, Told::Status(status)).await;
        goes_on(kind, &server, &phone).await;
    }
}

/// `409`: a copy of the server that lags. What is cached stays.
pub async fn a_server_behind_the_cache_is_waited_out(kind: TransportKind) {
    let (server, phone) = meets(kind, Told::Problem(ErrorCode::CursorAhead, None)).await;
    goes_on(kind, &server, &phone).await;
}

/// `403 not_a_member`, `404 room_not_found` and `410 room_gone` end the job, each once, with its reason.
pub async fn the_end_of_a_room_ends_the_job(kind: TransportKind) {
    let reasons = [
        (ErrorCode::NotAMember, EndReason::NotAMember),
        (ErrorCode::RoomNotFound, EndReason::RoomNotFound),
        (ErrorCode::RoomGone, EndReason::RoomNotFound),
    ];
    for (code, reason) in reasons {
        let (server, phone) = meets(kind, Told::Problem(code, None)).await;
        ends(&server, &phone, reason).await;
    }
    if !matches!(kind, TransportKind::Polling | TransportKind::LongPolling) {
        let ended = Told::Batches(batches(&[&[3]]), Then::End(CloseCode::NotAMember));
        let (server, phone) = meets(kind, ended).await;
        ends(&server, &phone, EndReason::NotAMember).await;
    }
}

async fn ends(server: &StreamServer, phone: &Phone, reason: EndReason) {
    let ended = ConnectionState::Ended(reason);
    eventually("ended", || phone.listener.connection() == Some(ended.clone())).await;
    eventually("nothing is held", || server.held() == 0).await;
    let (openings, polls) = (server.openings().len(), server.polls());
    server.say();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((server.openings().len(), server.polls()), (openings, polls), "and nobody asks any more");
    assert_eq!(phone.listener.connections().iter().filter(|c| **c == ended).count(), 1);
}

/// Gives tokens 0, 1, 2 …, a new one whenever one is refused.
#[derive(Default)]
struct Numbered(Mutex<Vec<bool>>);

#[async_trait]
impl TokenProvider for Numbered {
    async fn token(&self, refused: bool) -> Result<Token, TokenUnavailable> {
        let mut asked = self.0.lock().unwrap();
        asked.push(refused);
        Ok(Token::new(format!("{}", asked.len() - 1)))
    }
}

/// `401`, at the opening and in the middle: another token is asked for, once, and it goes on with that.
pub async fn a_token_that_has_run_out_is_renewed(kind: TransportKind) {
    let expired = [
        Told::Problem(ErrorCode::TokenExpired, None),
        Told::Batches(batches(&[&[3]]), Then::End(CloseCode::TokenExpired)),
    ];
    for told in expired {
        let at_once = matches!(told, Told::Problem(..));
        if !at_once && matches!(kind, TransportKind::Polling | TransportKind::LongPolling) {
            continue; // one answer has no middle
        }
        let server = StreamServer::start(&[kind], 2, first(told)).await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(server.url(), folder.path());
        by(kind, &mut config);
        let tokens = Arc::new(Numbered::default());
        let engine = Engine::open(config, tokens.clone(), None).unwrap();
        let listener = crate::RecordingListener::new();
        let room = engine.room(room(), listener.clone()).unwrap();
        let phone = Phone { room, listener, engine, folder };
        phone.room.start();
        eventually("asked", || !server.openings().is_empty()).await;
        while server.say() < 5 {}
        eventually("asked again", || server.openings().len() >= 2).await;
        goes_on(kind, &server, &phone).await;
        // Of a handshake that is refused a poll decides, and this server's polls take any token.
        let decided = at_once && matches!(kind, TransportKind::Sse | TransportKind::WebSocket);
        let (asked, used): (&[bool], _) =
            if decided { (&[false], ["0", "0"]) } else { (&[false, true], ["0", "1"]) };
        assert_eq!(*tokens.0.lock().unwrap(), asked, "one token, and one for that which was refused");
        assert_eq!(server.tokens()[..2], used);
    }
}

/// Stopping hangs up, whatever is under way: the request, the handshake, the stream.
pub async fn stop_hangs_up_at_every_moment(kind: TransportKind) {
    for told in [Told::Unanswered, Told::Mute, Told::Batches(Vec::new(), Then::Silence)] {
        let (server, phone) = meets(kind, told).await;
        eventually("held", || server.held() == 1).await;
        phone.room.stop();
        let heard = phone.listener.calls();
        eventually("hung up", || server.held() == 0).await;
        let asked = (server.openings().len(), server.polls());
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(phone.listener.calls(), heard, "nothing is told");
        assert_eq!((server.openings().len(), server.polls()), asked, "nothing is asked");
        phone.room.start();
        goes_on(kind, &server, &phone).await;
    }
}

/// A connection that has gone silent without a word: what a push announces is shown all the same.
pub async fn a_push_finds_out_that_a_connection_is_dead(kind: TransportKind) {
    let (server, phone) = meets(kind, Told::Batches(Vec::new(), Then::Silence)).await;
    if kind == TransportKind::Polling {
        return; // a poll is one answer: its own timeout finds out
    }
    live(&phone, kind).await;
    phone.room.wake();
    shows(&phone, 5).await;
    goes_on(kind, &server, &phone).await;
    assert_eq!(phone.engine.traffic().reconnects, 1);
}

/// The network changed: what is open is on the old one.
pub async fn another_network_gets_another_connection(kind: TransportKind) {
    let (server, phone) = meets(kind, Told::Batches(Vec::new(), Then::Silence)).await;
    if kind == TransportKind::Polling {
        return; // as above
    }
    live(&phone, kind).await;
    phone.engine.network_back();
    goes_on(kind, &server, &phone).await;
}

/// A poll beside a stream that lives is refused: the stream goes on.
pub async fn a_server_too_busy_for_polls_is_still_listened_to(kind: TransportKind) {
    if kind == TransportKind::Polling {
        return; // it has nothing else
    }
    for code in [ErrorCode::Unavailable, ErrorCode::RateLimited, ErrorCode::Internal] {
        let (server, phone) = meets(kind, Told::well()).await;
        goes_on(kind, &server, &phone).await;
        let (openings, polls) = (server.openings().len(), server.polls());
        server.refuse_polls(code);
        phone.room.wake();
        eventually("a poll looks", || server.polls() > polls).await;
        shows(&phone, server.say()).await;
        let live = ConnectionState::Live { transport: kind };
        assert_eq!(phone.listener.connection(), Some(live));
        if kind != TransportKind::LongPolling {
            assert_eq!(server.openings().len(), openings, "nobody hung up");
        }
    }
}
