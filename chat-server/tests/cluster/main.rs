//! The whole of it under fire: PostgreSQL, Redis, three servers, two hundred clients over every transport; nodes are
//! killed, Redis is, PostgreSQL is, and all come back. In the end every member of every room has every message that was
//! confirmed, once, in order.
//!
//! ```text
//! 160 light clients (40 a transport; `line`) ── any node, another one after each failure ─┐
//!  40 phones, which are engines (10 a transport) ── a balancer without a memory ──────────┼─▶ 3 nodes ─┬─▶ PostgreSQL
//!                                                                                          │            └─▶ Redis
//! ```
//! - Everybody talks, and says a thing again, with the same key, until it is confirmed (`members`).
//! - Meanwhile two hands break things, one the nodes, one what they stand on (`faults`).
//! - At last Redis goes, and everybody says one thing more; the last word in each room is said on one node, which is
//!   killed before it can tell anybody. Only then does Redis come back, and nobody moves by himself any more: nothing
//!   but the other nodes' own re-reading brings that word to their streams.
//! - Then it is counted (`verdict`).
//!
//! `CHAT_CLUSTER_SEED` repeats the order of the faults; `CHAT_CLUSTER_SECONDS` makes the fire last longer.

// clippy.toml excuses test functions; their helpers fail tests the same way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
#[path = "../nodes/line.rs"]
mod line;
mod members;
mod phones;
mod verdict;
mod world;

use faults::Faults;
use members::Light;
use phones::Handset;
use std::io::Write;
use std::time::{Duration, Instant};
use world::World;

/// Rooms, and who is in each: five light clients and a phone or two for each transport.
const ROOMS: usize = 8;
const LIGHT_PER_TRANSPORT: usize = 5;
const PHONES: usize = 40;

/// How long things are broken.
const FIRE: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_confirmed_message_reaches_every_member_once_in_order_whatever_fails() {
    let begun = Instant::now();
    let seed =
        std::env::var("CHAT_CLUSTER_SEED").map_or_else(|_| fastrand::u64(..), |it| it.parse().unwrap());
    let fire =
        std::env::var("CHAT_CLUSTER_SECONDS").map_or(FIRE, |it| Duration::from_secs(it.parse().unwrap()));
    tell(&format!("cluster: seed {seed}"));
    let mut random = fastrand::Rng::with_seed(seed);

    let world = World::start().await;
    let mut light = Light::all(&world, &mut random);
    let phones = Handset::all(&world).await;
    world.talk(true);
    let faults = Faults::rage(&world, fire, &mut random).await;
    world.talk(false);
    for member in &mut light {
        member.has_said_all().await;
    }
    verdict::phones_have_sent_all(&phones).await;

    world.redis().kill();
    for member in &mut light {
        member.say_one_more();
    }
    for member in &mut light {
        member.has_said_all().await;
    }
    world.last_word().await;
    world.redis().restart();
    world.nodes[0].lock().unwrap().restart();

    let verdict = verdict::reached(&world, &light, &phones).await;
    tell(&format!(
        "cluster: ok: {} light clients and {} phones over polling, long polling, SSE and WebSocket in {ROOMS} rooms; \
         {verdict}; {faults}; {:.0?}; seed {seed}",
        light.len(),
        phones.len(),
        begun.elapsed(),
    ));
}

/// Past the test runner's capture: the result is worth a line whatever it is.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
