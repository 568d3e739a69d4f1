//! What the random cases have found about switching transports, each in the fewest steps that show it.

use crate::ops::{Case, Op};
use crate::play;
use crate::world::World;
use chat_engine::transport::{BadAnswer, Fault};
use chat_engine::{ConnectionState, EndReason, TransportChoice, TransportKind};
use chat_testkit::{Begins, Fate, Kind, Mishap, StreamMishap};
use std::time::Duration;
use tokio::time::sleep;

const BUSY: Fault = Fault::Server { status: 503 };
const SOON: Option<Duration> = Some(Duration::from_secs(10));

fn case(steps: Vec<(Op, u64)>) -> Case {
    Case {
        tells_keys: true,
        page: 3,
        retention: 100_000,
        before: 0,
        transport: TransportChoice::Auto,
        brisk: false,
        new_network: false,
        jitter: 0,
        steps,
    }
}

fn refused(fault: Fault, retry_after: Option<Duration>) -> StreamMishap {
    StreamMishap { begins: Begins::Refused(fault, retry_after), ..StreamMishap::NONE }
}

fn sockets(mishaps: &[StreamMishap]) -> Op {
    Op::PlanStreams(TransportKind::WebSocket, mishaps.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_kept_to_on_another_network_too() {
    let steps = vec![(sockets(&[refused(BUSY, SOON)]), 0), (Op::Start, 1_000), (Op::NetworkBack, 1_000)];
    play(&case(steps)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_that_ends_a_stream_is_kept_to() {
    let ends = StreamMishap { fate: Fate::Ends(BUSY, SOON), ..StreamMishap::NONE };
    play(&case(vec![(sockets(&[ends]), 0), (Op::Start, 1_000)])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_kept_to_though_the_poll_beside_the_opening_fails() {
    let late = StreamMishap { slow: Duration::from_millis(500), ..refused(BUSY, SOON) };
    let poll = Mishap::Hangs(Duration::from_secs(1));
    let steps = vec![
        (sockets(&[late]), 0),
        (Op::Start, 100),
        (Op::Plan(Kind::Changes, vec![poll]), 0),
        (Op::Wake, 2_000),
    ];
    play(&case(steps)).await.unwrap();
}

/// A room in Auto whose first sockets meet `mishaps`, so long after it was started.
async fn started(mishaps: &[StreamMishap], millis: u64) -> World {
    let mut world = World::new(&case(vec![])).unwrap();
    world.step(&sockets(mishaps), 0).await.unwrap();
    world.step(&Op::Start, millis).await.unwrap();
    world
}

#[tokio::test(start_paused = true)]
async fn while_a_socket_is_held_back_the_room_is_polled() {
    let withheld = StreamMishap { begins: Begins::Withheld, ..StreamMishap::NONE };
    let mut world = started(&[withheld], 1_500).await;
    let id = world.say();
    world.shown_within(id, Duration::from_millis(1_500)).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.screen.live(), Some(TransportKind::Sse));
}

#[tokio::test(start_paused = true)]
async fn a_push_finds_what_a_silent_socket_keeps_and_another_takes_its_place() {
    let mut world = started(&[StreamMishap { fate: Fate::Silent, ..StreamMishap::NONE }], 5_000).await;
    let first = world.say();
    world.step(&Op::Push, 0).await.unwrap();
    world.shown_within(first, Duration::from_millis(2_500)).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let second = world.say();
    world.shown_within(second, Duration::from_millis(500)).await.unwrap();
    assert_eq!(world.server.streams(), [2]);
}

#[tokio::test(start_paused = true)]
async fn sockets_that_open_and_never_say_a_word_are_left() {
    let silent = StreamMishap { fate: Fate::Silent, ..StreamMishap::NONE };
    let mut world = started(&[silent; 10], 240_000).await;
    let id = world.say();
    world.shown_within(id, Duration::from_millis(500)).await.unwrap();
    assert_eq!(world.screen.live(), Some(TransportKind::Sse));
}

#[tokio::test(start_paused = true)]
async fn another_network_is_another_chance() {
    let blocked = refused(Fault::BadAnswer(BadAnswer::Status(502)), None);
    let mut world = started(&[blocked], 1_000).await;
    assert_eq!(world.screen.live(), Some(TransportKind::Sse));
    world.step(&Op::NetworkBack, 1_000).await.unwrap();
    assert_eq!(world.screen.live(), Some(TransportKind::WebSocket));
}

#[tokio::test(start_paused = true)]
async fn events_that_stop_after_a_long_life_without_a_message_are_asked_for_again() {
    let dies = StreamMishap { fate: Fate::Loses(Fault::Timeout), ..StreamMishap::NONE };
    let sse = Case { transport: TransportChoice::Only(TransportKind::Sse), ..case(vec![]) };
    let mut world = World::new(&sse).unwrap();
    world.step(&Op::PlanStreams(TransportKind::Sse, vec![dies]), 0).await.unwrap();
    world.step(&Op::Start, 600_000).await.unwrap();
    world.say();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.server.streams(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_says_so_ends_the_room() {
    let ends = StreamMishap { fate: Fate::Ends(Fault::NotAMember, None), ..StreamMishap::NONE };
    let world = started(&[ends], 5_000).await;
    assert_eq!(world.screen.connection(), Some(ConnectionState::Ended(EndReason::NotAMember)));
    assert!(world.server.streams().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_reached_is_asked_for_again_after_a_poll() {
    let offline = refused(Fault::Offline, None);
    let world = started(&[offline, offline], 5_000).await;
    assert_eq!(world.server.polls(), 3);
    assert_eq!(world.screen.live(), Some(TransportKind::WebSocket));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.server.polls(), 3);
}
