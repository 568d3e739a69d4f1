//! The engine against a reference model, over random interleavings of everything that can happen to a
//! phone: others and the user's other device write, edit, delete and read; the user does; the job starts
//! and stops; answers are lost, late, overtake each other; the room is followed by one transport after the
//! other, each refused, slow, silent or cut off in turn; the process dies, its file is corrupt.
//!
//! Held against each other:
//! * [`chat_testkit::ModelServer`] is the server, as a list of changes;
//! * `book.rs` is what the user wanted, and nothing of how it comes about;
//! * `screen.rs` checks every update that the listener hears: nothing twice, nothing lost, nothing that
//!   neither the server had nor the user wished, nothing while it is stopped;
//! * `follow.rs` checks how the room is followed: by one stream at most, in the end by the best there is;
//! * `verdict.rs` checks what is there in the end: the screen is the server's truth and what is unsent,
//!   and the server has everything that the user did, once.
//!
//! `CHAT_MODEL_CASES` says how many cases (default 400), `CHAT_MODEL_SEED` which ones (default: other ones
//! each time; the seed is printed), `CHAT_MODEL_STEPS` how long one may be (default 60). The long profile:
//!
//! ```text
//! CHAT_MODEL_CASES=10000 cargo test -p chat-engine --test model -- --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // A test that cannot go on says so and stops.

mod book;
mod follow;
mod found;
mod ops;
mod screen;
mod verdict;
mod world;

use ops::Case;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::Cell;
use std::time::{Duration, Instant};
use world::World;

/// Rounds of waiting for all to settle, longer together than any wait of the engine's.
const ROUNDS: u32 = 15;

/// Plays a case; tells how many streams it has taken.
async fn play(case: &Case) -> Result<u64, String> {
    let mut world = World::new(case)?;
    for (number, (op, pause)) in case.steps.iter().enumerate() {
        world.step(op, *pause).await.map_err(|e| format!("at step {number}, {op:?}: {e}"))?;
    }
    world.recover();
    settle(&world, false).await.map_err(|e| format!("in the end: {e}"))?;
    world.retry_all();
    settle(&world, true).await.map_err(|e| format!("after all was tried again: {e}"))?;
    world.climbs_back().await.map_err(|e| format!("long after: {e}"))?;
    settle(&world, true).await.map_err(|e| format!("long after: {e}"))?;
    Ok(world.server.streams_begun())
}

async fn settle(world: &World, all: bool) -> Result<(), String> {
    let mut verdict = Err("nothing was waited for".into());
    for _ in 0..ROUNDS {
        tokio::time::sleep(Duration::from_secs(8)).await;
        world.scroll_up().await?;
        world.room().start(); // what was refused before all was well may have been heard only now
        world.wrong().map_or(Ok(()), Err)?;
        let before = std::mem::replace(&mut verdict, world.verdict(all));
        if before.is_ok() && verdict.is_ok() {
            return Ok(()); // and it lasts
        }
    }
    verdict
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn whatever_happens_the_screen_is_the_servers_truth_and_what_is_unsent() {
    let cases = number("CHAT_MODEL_CASES").unwrap_or(400);
    let seed = number("CHAT_MODEL_SEED").unwrap_or_else(|| fastrand::u64(..));
    let steps = number("CHAT_MODEL_STEPS").unwrap_or(60) as usize;
    eprintln!("{cases} cases of the model; again with CHAT_MODEL_SEED={seed}");
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        max_shrink_time: 120_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let begun = Instant::now();
    let streams = Cell::new(0);
    let result = runner.run(&ops::case(steps), |case| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let played = runtime.block_on(play(&case)).map_err(TestCaseError::fail)?;
        streams.set(streams.get() + played);
        Ok(())
    });
    match result {
        Ok(()) => eprintln!("{cases} cases, {} streams, in {:?}", streams.get(), begun.elapsed()),
        Err(TestError::Fail(why, case)) => panic!("seed {seed}: {why}\n{case:?}"),
        Err(other) => panic!("seed {seed}: {other}"),
    }
}
