//! `Auto`: the richest transport that works here, found out, remembered, and found out anew.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{ConnectionState, EngineConfig, TransportChoice, TransportKind};
use chat_protocol::{ErrorCode, RoomId};
use chat_testkit::{Opening, Phone, StreamServer, TOKEN, Then, Told, eventually, message};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use TransportKind::{LongPolling, Polling, Sse, WebSocket};

const ALL: [TransportKind; 3] = [WebSocket, Sse, LongPolling];

async fn auto(
    script: impl Fn(Opening) -> Told + Send + Sync + 'static,
    change: impl FnOnce(&mut EngineConfig),
) -> (StreamServer, Phone) {
    let server = StreamServer::start(&ALL, 2, script).await;
    let phone = Phone::with(server.url(), TOKEN, RoomId::new(7).unwrap(), |config| {
        config.transport = TransportChoice::Auto;
        config.timings.answer_timeout = Duration::from_millis(300);
        change(config);
    });
    phone.room.start();
    (server, phone)
}

/// Live by this transport, and what is said comes. By polling it is from the beginning: what counts is that
/// everything else has been tried.
async fn settles_on(kind: TransportKind, server: &StreamServer, phone: &Phone) {
    if kind == Polling {
        let given_up = || kinds(server).last() == Some(&LongPolling) && server.held() == 0;
        eventually("all else is given up", given_up).await;
    }
    let live = ConnectionState::Live { transport: kind };
    eventually("live by the transport", || phone.listener.connection() == Some(live.clone())).await;
    let all: Vec<_> = (1..=server.say()).collect();
    eventually("every message once", || phone.listener.ids() == all).await;
}

fn kinds(server: &StreamServer) -> Vec<TransportKind> {
    server.openings().iter().map(|opening| opening.by).collect()
}

#[tokio::test]
async fn where_everything_works_the_socket_is_used() {
    let (server, phone) = auto(|_| Told::well(), |_| {}).await;
    settles_on(WebSocket, &server, &phone).await;
    assert_eq!(kinds(&server), [WebSocket]);
    assert_eq!(server.polls(), 1, "the first look, and none beside a stream that works");
}

#[tokio::test]
async fn a_blocked_upgrade_leads_to_events() {
    // A proxy that knows no upgrades, one that answers it as a page, and one that just breaks it off.
    for told in [Told::Status(426), Told::Status(200), Told::Problem(ErrorCode::UpgradeRequired, None)] {
        let script = move |o: Opening| if o.by == WebSocket { told.clone() } else { Told::well() };
        let (server, phone) = auto(script, |_| {}).await;
        settles_on(Sse, &server, &phone).await;
        assert_eq!(kinds(&server), [WebSocket, Sse]);
    }
}

#[tokio::test]
async fn a_stream_that_is_held_back_leads_to_long_polling_and_polls_go_on_meanwhile() {
    let script = |o: Opening| match o.by {
        WebSocket | Sse => Told::Mute,
        _ => Told::well(),
    };
    let (server, phone) = auto(script, |_| {}).await;
    // While the socket and the events are waited for in vain, a message that is said is there at once.
    eventually("the first is tried", || !server.openings().is_empty()).await;
    let last = server.say();
    eventually("polled", || phone.listener.ids().contains(&last)).await;
    assert_eq!(kinds(&server), [WebSocket], "long before it was given up");
    settles_on(LongPolling, &server, &phone).await;
}

#[tokio::test]
async fn where_nothing_is_held_it_is_polled() {
    let (server, phone) = auto(|_| Told::Status(404), |_| {}).await;
    settles_on(Polling, &server, &phone).await;
    assert_eq!(kinds(&server), ALL);
    settles_on(Polling, &server, &phone).await;
    assert_eq!(kinds(&server), ALL, "and nobody insists");
}

#[tokio::test]
async fn a_socket_that_dies_early_three_times_is_given_up_and_tried_again_later() {
    let cured = Arc::new(AtomicBool::new(false));
    let well = cured.clone();
    let script = move |o: Opening| match o.by {
        WebSocket if !well.load(Ordering::Relaxed) => Told::Batches(Vec::new(), Then::Cut),
        _ => Told::well(),
    };
    let (server, phone) = auto(script, |config| {
        config.timings.bar_base = Duration::from_millis(500);
        config.timings.bar_cap = Duration::from_millis(500);
    })
    .await;
    settles_on(Sse, &server, &phone).await;
    assert_eq!(kinds(&server)[..4], [WebSocket, WebSocket, WebSocket, Sse]);
    cured.store(true, Ordering::Relaxed);
    settles_on(WebSocket, &server, &phone).await;
    assert_eq!(server.held(), 1, "the events are let go of");
}

#[tokio::test]
async fn another_network_is_another_chance() {
    let hotel = Arc::new(AtomicBool::new(true));
    let blocked = hotel.clone();
    let script = move |o: Opening| match o.by {
        WebSocket | Sse if blocked.load(Ordering::Relaxed) => Told::Status(502),
        _ => Told::well(),
    };
    let (server, phone) = auto(script, |_| {}).await;
    settles_on(LongPolling, &server, &phone).await;
    hotel.store(false, Ordering::Relaxed);
    phone.engine.network_back();
    settles_on(WebSocket, &server, &phone).await;
}

#[tokio::test]
async fn what_one_room_finds_out_holds_for_the_next() {
    let script = |o: Opening| if o.by == Sse { Told::well() } else { Told::Status(426) };
    let (server, phone) = auto(script, |_| {}).await;
    settles_on(Sse, &server, &phone).await;
    let listener = chat_testkit::RecordingListener::new();
    let other = phone.engine.room(RoomId::new(8).unwrap(), listener.clone()).unwrap();
    other.start();
    let live = Some(ConnectionState::Live { transport: Sse });
    eventually("live", || listener.connection() == live).await;
    assert_eq!(kinds(&server), [WebSocket, Sse, Sse]);
}

#[tokio::test]
async fn a_server_that_answers_a_long_poll_at_once_is_not_asked_in_a_hurry() {
    let script = |o: Opening| match o.by {
        LongPolling => Told::Status(204),
        _ => Told::Status(404),
    };
    let (server, phone) = auto(script, |_| {}).await;
    settles_on(Polling, &server, &phone).await;
    assert_eq!(kinds(&server), ALL);
}

#[tokio::test]
async fn an_empty_answer_is_no_answer_and_nobody_is_in_a_hurry() {
    let script = |o: Opening| match o.by {
        LongPolling => Told::Batches(vec![Vec::new()], Then::Follow),
        _ => Told::Status(404),
    };
    let (server, phone) = auto(script, |_| {}).await;
    settles_on(Polling, &server, &phone).await;
    assert_eq!(kinds(&server), ALL);
}

#[tokio::test]
async fn streams_that_tell_what_no_poll_knows_are_given_up() {
    let (server, phone) = auto(|_| Told::Batches(vec![vec![message(9, 9)]], Then::Silence), |_| {}).await;
    let strikes = || kinds(&server).iter().filter(|kind| **kind == LongPolling).count() >= 3;
    eventually("the last one has its strikes", strikes).await;
    settles_on(Polling, &server, &phone).await;
    let opened: Vec<_> =
        ALL.iter().map(|kind| kinds(&server).iter().filter(|k| *k == kind).count()).collect();
    assert!(opened.iter().all(|times| (3..=6).contains(times)), "{opened:?}");
}

#[tokio::test]
async fn a_gateway_that_refuses_the_token_on_streams_ends_no_session() {
    let (server, phone) = auto(|_| Told::Problem(ErrorCode::TokenRefused, None), |_| {}).await;
    settles_on(Polling, &server, &phone).await;
    let ended = |c: &ConnectionState| matches!(c, ConnectionState::Ended(_));
    assert!(!phone.listener.connections().iter().any(ended));
}

#[tokio::test]
async fn a_stream_that_lives_and_has_lost_its_room_is_found_out_without_a_push() {
    let first = |o: Opening| match o.nth {
        0 => Told::Batches(Vec::new(), Then::Silence),
        _ => Told::well(),
    };
    let (server, phone) = auto(first, |config| {
        config.timings.stream_check = Duration::from_millis(200);
        config.timings.stream_grace = Duration::from_millis(50);
    })
    .await;
    let live = ConnectionState::Live { transport: WebSocket };
    eventually("live", || phone.listener.connection() == Some(live.clone())).await;
    settles_on(WebSocket, &server, &phone).await;
    eventually("opened anew", || kinds(&server) == [WebSocket, WebSocket]).await;
    assert_eq!(phone.engine.traffic().reconnects, 1);
}
