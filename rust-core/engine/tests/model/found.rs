//! What the random cases have found about switching transports, each in the fewest steps that show it.

use crate::ops::{Case, Op};
use crate::play;
use crate::world::World;
use chat_engine::transport::Fault;
use chat_engine::{TransportChoice, TransportKind};
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

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_reached_is_asked_for_again_after_a_poll() {
    let offline = refused(Fault::Offline, None);
    let mut world = World::new(&case(vec![])).unwrap();
    for (op, pause) in [(sockets(&[offline, offline]), 0), (Op::Start, 5_000)] {
        world.step(&op, pause).await.unwrap();
    }
    assert_eq!(world.server.polls(), 3);
    assert_eq!(world.screen.live(), Some(TransportKind::WebSocket));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.server.polls(), 3);
}
