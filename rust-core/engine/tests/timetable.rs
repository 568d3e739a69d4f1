//! When polls happen, to the millisecond, on a clock that the test turns.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::transport::{Answer, Fault, TransportError};
use chat_engine::{ConnectionState, Engine, Room, StaticToken, Token};
use chat_protocol::{Page, RoomId, Seq};
use chat_testkit::{Asked, FakeTransport, LIVE, RecordingListener, TOKEN, config, page};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Runs a room with the default durations over `transport` until `until`, and returns its polls.
async fn run(transport: Arc<FakeTransport>, until: Duration) -> Vec<Asked> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://nowhere", folder.path());
    config.timings = Default::default();
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let engine = Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap();
    let room = engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap();
    room.start();
    tokio::time::sleep(until).await;
    room.stop();
    let asked = transport.asked();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(transport.asked(), asked, "a stopped job polls no more");
    asked
}

fn more(first: i64, last: i64) -> Result<Answer, TransportError> {
    Ok(Answer::Page(Page { has_more: true, ..page(first, last) }))
}

fn failure(fault: Fault) -> Result<Answer, TransportError> {
    Err(TransportError::new(fault))
}

fn at(asked: &[Asked]) -> Vec<u64> {
    asked.iter().map(|a| a.at.as_secs()).collect()
}

/// An engine with the default durations over `transport`, and a room of it, started.
fn started(transport: Arc<FakeTransport>) -> (Engine, Room, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://nowhere", folder.path());
    config.timings = Default::default();
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let engine = Engine::open_with(config, token, transport, Handle::current()).unwrap();
    let room = engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap();
    room.start();
    (engine, room, folder)
}

/// The whole seconds between polls, run-length encoded: "1 s × 60".
fn timetable(asked: &[Asked]) -> String {
    let mut runs: Vec<(u64, u32)> = Vec::new();
    for pair in asked.windows(2) {
        let wait = (pair[1].at - pair[0].at).as_secs();
        match runs.last_mut() {
            Some((last, times)) if *last == wait => *times += 1,
            _ => runs.push((wait, 1)),
        }
    }
    runs.iter().map(|(wait, times)| format!("{wait} s × {times}")).collect::<Vec<_>>().join(", ")
}

/// The curve of `poller/cadence.rs`, as it comes out poll by poll.
const SILENT_HOUR: &str = "1 s × 68, 2 s × 4, 3 s × 3, 4 s × 2, 5 s × 2, 6 s × 2, 7 s × 1, 8 s × 2, 9 s × 1, \
    10 s × 1, 11 s × 1, 13 s × 1, 14 s × 1, 15 s × 1, 17 s × 1, 19 s × 1, 21 s × 1, 23 s × 1, 25 s × 1, 28 s × 1, \
    30 s × 108";

#[tokio::test(start_paused = true)]
async fn a_silent_hour_is_two_hundred_polls_ever_further_apart() {
    let transport = FakeTransport::then_quiet([Ok(Answer::Page(page(1, 3)))]);
    let asked = run(transport, Duration::from_secs(3_600)).await;
    let timetable = timetable(&asked);
    println!("a silent hour, {} polls: {timetable}", asked.len());
    assert_eq!(timetable, SILENT_HOUR);
    assert_eq!(asked.iter().filter(|a| a.at < Duration::from_secs(60)).count(), 60, "lively at first");
    assert_eq!(asked.len(), 205);
    // What ends a silence is late by a tenth of it, or by the second it takes anyway.
    for pair in asked.windows(2) {
        let wait = pair[1].at - pair[0].at;
        assert!(
            wait <= (pair[0].at / 10).max(Duration::from_millis(1_002)),
            "{wait:?} after {:?}",
            pair[0].at
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_stirs_a_silent_room_has_it_polled_at_once_and_every_second_again() {
    let transport = FakeTransport::then_quiet([Ok(Answer::Page(page(1, 3)))]);
    transport.take_messages(4);
    let (engine, room, _folder) = started(transport.clone());
    let stirs: [(&str, &dyn Fn()); 5] = [
        ("one's own message", &|| assert!(room.send("hello").is_ok())),
        ("a push", &|| engine.wake(room.id()).unwrap()),
        ("the network back", &|| engine.network_back()),
        ("pull to refresh", &|| room.wake()),
        ("the screen shown", &|| {
            room.stop();
            room.start();
        }),
    ];
    for (what, stir) in stirs {
        tokio::time::sleep(Duration::from_secs(1_000)).await;
        let silent = transport.asked();
        assert_eq!(
            silent[silent.len() - 1].at.as_secs() - silent[silent.len() - 2].at.as_secs(),
            30,
            "{what}"
        );
        let now = Duration::from_millis(10); // to within a tick of the clock
        stir();
        tokio::time::sleep(Duration::from_millis(20_500)).await;
        let asked = transport.asked().split_off(silent.len());
        let begun = asked[0].at;
        assert!(begun - silent[silent.len() - 1].at < Duration::from_secs(30) + now);
        assert_eq!(
            asked.len(),
            21,
            "{what}: at once, and twenty times in twenty seconds: {}",
            timetable(&asked)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_ends_the_silence_for_a_minute() {
    let mut answers = vec![Ok(Answer::Page(page(1, 1)))];
    answers.extend((0..150).map(|_| Ok(Answer::Nothing)));
    answers.push(Ok(Answer::Page(page(2, 2))));
    let transport = FakeTransport::then_quiet(answers);
    let (_engine, _room, _folder) = started(transport.clone());
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    let asked = transport.asked();
    let waits: Vec<_> = asked.windows(2).map(|w| (w[1].at - w[0].at).as_secs()).collect();
    assert_eq!(waits[150], 30, "silence");
    assert_eq!(waits[151..210], [1; 59], "the answer of poll 151 brought a message");
    assert_eq!(*waits.last().unwrap(), 30, "and silence again");
}

#[tokio::test(start_paused = true)]
async fn the_servers_wish_is_kept_while_it_is_wished_and_does_not_delay_what_stirs() {
    let transport = FakeTransport::then_quiet([Ok(Answer::Page(page(1, 3)))]);
    transport.wish(Some(Duration::from_secs(20)));
    let (_engine, room, _folder) = started(transport.clone());
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(at(&transport.asked()), [0, 20, 40, 60]);
    room.wake();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(transport.asked().len(), 5, "a push is not kept waiting");
    transport.wish(None);
    room.wake();
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    assert_eq!(transport.asked().len(), 11, "and the wish ends with the answer that has none");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_restarted_again_and_again_does_not_hammer_a_server_that_is_down() {
    let transport = FakeTransport::then_quiet([]);
    transport.refuse_messages(TransportError::new(Fault::Server { status: 500 }));
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut config = config("http://nowhere", folder.path());
        config.timings = Default::default();
        config.timings.backoff_base = Duration::from_secs(600);
        config.timings.backoff_cap = Duration::from_secs(600);
        let token = Arc::new(StaticToken(Token::new(TOKEN)));
        Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap()
    };
    let engine = open();
    engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap().send("hello").unwrap();
    while transport.sent().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    engine.close();
    drop(engine);
    for _ in 0..20 {
        let engine = open();
        tokio::time::sleep(Duration::from_millis(50)).await;
        engine.close();
    }
    assert_eq!(transport.sent().len(), 1, "twenty starts, and the wait of before goes on");
    transport.take_messages(1);
    let engine = open();
    engine.network_back();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(transport.sent().len(), 2, "but the network that is back ends it");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_outlives_the_process_and_nothing_undercuts_it() {
    let transport = FakeTransport::then_quiet([]);
    let wish = TransportError { fault: Fault::RateLimited, retry_after: Some(Duration::from_secs(3_000)) };
    transport.refuse_messages(wish);
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut config = config("http://nowhere", folder.path());
        config.timings = Default::default();
        let token = Arc::new(StaticToken(Token::new(TOKEN)));
        Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap()
    };
    let engine = open();
    engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap().send("hello").unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    engine.close();
    drop(engine);
    transport.take_messages(1);
    let engine = open();
    for _ in 0..29 {
        engine.network_back();
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert_eq!(transport.sent().len(), 1);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn at_a_ceiling_of_a_second_a_quiet_room_is_polled_once_a_second() {
    let transport = FakeTransport::then_quiet([Ok(Answer::Page(page(1, 3)))]);
    let asked = run(transport, Duration::from_millis(5_500)).await;
    assert_eq!(at(&asked), [0, 1, 2, 3, 4, 5]);
    assert_eq!(asked[0].after, None);
    assert!(asked[1..].iter().all(|a| a.after == Some(Seq::new(3).unwrap())));
}

#[tokio::test(start_paused = true)]
async fn full_pages_are_drained_before_the_next_wait() {
    let answers =
        [Ok(Answer::Page(page(1, 1))), more(2, 501), more(502, 1001), Ok(Answer::Page(page(1002, 1003)))];
    let asked = run(FakeTransport::then_quiet(answers), Duration::from_millis(2_500)).await;
    assert_eq!(at(&asked), [0, 1, 1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn errors_are_waited_out_ever_longer_and_one_answer_makes_it_lively_again() {
    let mut answers = vec![Ok(Answer::Page(page(1, 1)))];
    answers.extend((0..12).map(|_| failure(Fault::Offline)));
    answers.push(Ok(Answer::Nothing));
    let asked = run(FakeTransport::then_quiet(answers), Duration::from_secs(400)).await;
    let waits: Vec<Duration> = asked.windows(2).map(|w| w[1].at - w[0].at).collect();
    // Poll 1 is good, 2 to 13 fail: each wait lies under its doubling ceiling, and none is a hammer.
    for (n, wait) in waits[1..13].iter().enumerate() {
        let ceiling = Duration::from_secs(30).min(Duration::from_secs(1 << n.min(10)));
        assert!(
            (Duration::from_millis(100)..=ceiling + Duration::from_millis(2)).contains(wait),
            "{n}: {wait:?}"
        );
    }
    let after: Vec<_> = waits[13..20].iter().map(Duration::as_millis).collect();
    assert!(after.iter().all(|ms| (1_000..=1_002).contains(ms)), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_servers_retry_after_is_kept() {
    let wish = TransportError { fault: Fault::RateLimited, retry_after: Some(Duration::from_secs(42)) };
    let asked = run(FakeTransport::then_quiet([Err(wish)]), Duration::from_secs(44)).await;
    assert!(asked[1].at >= Duration::from_secs(42), "{:?}", asked[1].at);
}

#[tokio::test(start_paused = true)]
async fn neither_a_start_nor_a_wake_nor_another_message_undercuts_a_retry_after() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://nowhere", folder.path());
    config.timings = Default::default();
    let wish = TransportError { fault: Fault::RateLimited, retry_after: Some(Duration::from_secs(3_600)) };
    let transport = FakeTransport::then_quiet([Err(wish.clone())]);
    transport.refuse_messages(wish);
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let engine = Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap();
    let room = engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap();
    for n in 0..5 {
        room.stop();
        room.start();
        room.send(&format!("{n}")).unwrap();
        room.wake();
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    assert_eq!((transport.asked().len(), transport.sent().len()), (1, 1), "in the first fifty minutes");
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert!(transport.asked().len() > 1 && transport.sent().len() == 2, "and on time after them");
}

#[tokio::test(start_paused = true)]
async fn starting_anew_polls_at_once_but_fails_as_patiently_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://nowhere", folder.path());
    config.timings = Default::default();
    let transport = FakeTransport::then_quiet((0..10_000).map(|_| failure(Fault::Server { status: 503 })));
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let engine = Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap();
    let room = engine.room(RoomId::new(1).unwrap(), RecordingListener::new()).unwrap();
    // An app that restarts the job every ten seconds for an hour: one poll each, and hardly any between.
    for _ in 0..360 {
        room.start();
        tokio::time::sleep(Duration::from_secs(10)).await;
        room.stop();
    }
    let asked = transport.asked().len();
    assert!((360..800).contains(&asked), "{asked} polls in an hour of outage");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_behind_ones_own_message_is_asked_again_and_nobody_hears_of_it() {
    let behind = || failure(Fault::CursorAhead);
    let answers = [Ok(Answer::Page(page(1, 3))), behind(), Ok(Answer::Page(page(4, 4)))];
    let transport = FakeTransport::then_quiet(answers);
    let folder = tempfile::tempdir().unwrap();
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let config = config("http://nowhere", folder.path());
    let engine = Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap();
    let listener = RecordingListener::new();
    let room = engine.room(RoomId::new(1).unwrap(), listener.clone()).unwrap();
    room.start();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(listener.ids(), [1, 2, 3, 4]);
    assert_eq!(listener.connections(), [ConnectionState::Connecting, LIVE]);
}
