//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How long anything in a test may take. Generous: it is only ever waited out by a test that fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds, and fails the test when it does not within [`DEADLINE`].
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The same for a test without a runtime of its own.
pub fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "never happened: {what}");
        std::thread::yield_now();
    }
}
