//! When polls happen, to the millisecond, on a clock that the test turns.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::transport::{Answer, Fault, TransportError};
use chat_engine::{Engine, StaticToken, Token};
use chat_protocol::{Page, RoomId, Seq};
use chat_testkit::{Asked, FakeTransport, RecordingListener, TOKEN, config, page};
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

#[tokio::test(start_paused = true)]
async fn a_quiet_room_is_polled_once_a_second() {
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
