//! So many a second for each of many, and ten seconds' worth at once.

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Seconds' worth that may come at once: what waited for a network to come back.
const BURST: u32 = 10;

/// After so many, those are forgotten who have their whole burst again. So what is remembered is bounded: by this
/// number, and by how many asked within the last moments.
const SWEEP_EVERY: u32 = 1 << 14;

/// Who may ask how often.
pub(super) struct Rate<K: Hash + Eq + Clone> {
    /// None: as often as they like.
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    clock: DefaultClock,
    taken: AtomicU32,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// So many a second; 0 is no limit.
    pub(super) fn new(per_second: u32) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|rate| {
            let burst = NonZeroU32::new(per_second.saturating_mul(BURST)).unwrap_or(rate);
            RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
        });
        Self { limiter, clock: DefaultClock::default(), taken: AtomicU32::new(0) }
    }

    /// Takes one, or says how long to wait for the next.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        limiter.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.limiter.as_ref().map_or(0, RateLimiter::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_wait_is_the_one_that_helps() {
        let rate = Rate::new(5);
        for _ in 0..50 {
            assert_eq!(rate.take(&"alice"), Ok(()));
        }
        let wait = rate.take(&"alice").unwrap_err();
        assert!(wait <= Duration::from_millis(200), "{wait:?}");
        assert_eq!(rate.take(&"bob"), Ok(()), "each for itself");
        std::thread::sleep(wait);
        assert_eq!(rate.take(&"alice"), Ok(()));
    }

    #[test]
    fn none_is_no_limit() {
        let rate = Rate::new(0);
        assert!((0..100_000).all(|_| rate.take(&"alice").is_ok()));
    }

    #[test]
    fn who_changes_names_all_the_time_is_not_remembered() {
        let rate = Rate::new(1_000);
        for name in 0..SWEEP_EVERY * 8 {
            assert_eq!(rate.take(&name), Ok(()));
        }
        assert!(rate.remembered() < 2 * SWEEP_EVERY as usize, "{}", rate.remembered());
    }
}
