//! Tokens that were refused, by where they came from.

use super::address::Network;
use super::rate::Rate;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many networks at most are kept waiting; nobody has more of them than a server has of anything.
const MOST_BARRED: usize = 1 << 14;

/// Counts them, and knows who has used up theirs.
pub(super) struct Refusals {
    rate: Rate<Network>,
    /// Until when nothing of theirs is looked at.
    barred: Mutex<HashMap<Network, Instant>>,
}

impl Refusals {
    /// So many a second; 0 is no limit.
    pub(super) fn new(per_second: u32) -> Self {
        Self { rate: Rate::new(per_second), barred: Mutex::default() }
    }

    /// A token was refused; an error when that was one too many, with the wait for the next.
    pub(super) fn count(&self, network: Network) -> Result<(), Duration> {
        self.rate.take(&network).inspect_err(|wait| {
            let now = Instant::now();
            let mut barred = self.barred();
            if barred.len() >= MOST_BARRED {
                barred.retain(|_, until| *until > now);
            }
            if barred.len() < MOST_BARRED {
                barred.insert(network, now + *wait);
            }
        })
    }

    /// Whether another may be tried, or how long to wait.
    pub(super) fn may_try(&self, network: Network) -> Result<(), Duration> {
        let mut barred = self.barred();
        let Some(until) = barred.get(&network) else { return Ok(()) };
        match until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => {
                barred.remove(&network);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// Nothing under the lock can panic half done.
    fn barred(&self) -> MutexGuard<'_, HashMap<Network, Instant>> {
        self.barred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
