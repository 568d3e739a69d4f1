//! Idempotency keys expire: the policy, and who carries it out.
//!
//! A key is kept with its message so that a retry finds what the first try has made. Nobody retries for ever,
//! so after [`super::Options::keep_keys`] the key is cleared; the message stays as it is. Each room remembers up
//! to which message that is done. So a look costs a row and a look-up a room, a thousand rooms at a time, and
//! clearing goes on where it ended, on whichever node: two at once do each other no harm.

use super::backend::Backend;
use super::error::StoreError;
use chat_protocol::{RoomId, Timestamp};
use std::sync::Weak;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Keys cleared in one transaction: some 5 ms, which is as long as a write may find itself waiting for it.
pub(super) const AT_ONCE: i64 = 500;

/// Rooms looked at in one go: 2 ms of a reader.
pub(super) const ROOMS_AT_ONCE: i64 = 1_000;

/// Between two looks, however long keys are kept: nobody counts on the hour.
const AT_MOST: Duration = Duration::from_secs(3_600);
/// However short: a test's.
const AT_LEAST: Duration = Duration::from_millis(100);

/// Rooms where there is something to clear.
#[derive(Debug)]
pub(super) struct OldKeys {
    pub(super) rooms: Vec<RoomId>,
    /// After which room to go on looking; `None` when that was all.
    pub(super) next: Option<i64>,
}

impl OldKeys {
    /// Made of the rooms looked at, by number, and whether there is something to clear.
    pub(super) fn of(looked_at: Vec<(RoomId, bool)>) -> Self {
        let full = i64::try_from(looked_at.len()).is_ok_and(|count| count >= ROOMS_AT_ONCE);
        let next = looked_at.last().map(|(room, _)| room.get()).filter(|_| full);
        Self { rooms: looked_at.into_iter().filter(|(_, old)| *old).map(|(room, _)| room).collect(), next }
    }
}

/// Clears keys older than `keep`, again and again, until the store is gone.
pub(super) async fn run(store: Weak<dyn Backend>, keep: Duration) {
    let every = (keep / 24).clamp(AT_LEAST, AT_MOST);
    // Soon after the start, as not every process lives for an hour; nodes that start together spread.
    sleep(every.min(AT_MOST / 12).mul_f64(fastrand::f64())).await;
    loop {
        match sweep(&store, keep).await {
            Ok(true) => {}
            Ok(false) => return,
            // The database is away or busy. What is left now is there the next time.
            Err(error) => tracing::warn!(%error, "expired keys stay for now"),
        }
        sleep(every.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
    }
}

/// One look at every room; `false` when the store is gone. Holds it for one step at a time.
async fn sweep(store: &Weak<dyn Backend>, keep: Duration) -> Result<bool, StoreError> {
    let kept_for = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(Timestamp::now().as_millis().saturating_sub(kept_for));
    let mut after = Some(0);
    while let Some(from) = after {
        let Some(backend) = store.upgrade() else { return Ok(false) };
        let old = backend.old_keys(from, before).await?;
        drop(backend);
        for room in old.rooms {
            let mut more = true;
            while more {
                let Some(backend) = store.upgrade() else { return Ok(false) };
                let begun = Instant::now();
                more = backend.clear_old_keys(room, before).await?;
                drop(backend);
                // Half of the time is everybody else's, whatever there is to clear.
                sleep(begun.elapsed()).await;
            }
        }
        after = old.next;
    }
    Ok(true)
}
