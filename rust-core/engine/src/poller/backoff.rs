//! How long to wait after an error: exponential, with full jitter, so that a thousand phones that
//! lost the same server do not come back in the same instant.
//!
//! Pure: the randomness comes in through [`Backoff::seeded`], time does not come in at all.

use std::time::Duration;

/// Waits between tries: uniformly random between nothing and a ceiling that doubles from `base` to `cap`.
#[derive(Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
    random: fastrand::Rng,
}

/// No wait is shorter. A tenth of a second: full jitter alone would now and then retry at once.
const FLOOR: Duration = Duration::from_millis(100);

impl Backoff {
    /// A first wait of at most `base`, later ones of at most `cap`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self::seeded(base, cap, fastrand::u64(..))
    }

    /// The same with a known random sequence.
    pub fn seeded(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, attempt: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// Tries that failed since the last success.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// So many tries have failed already, in a process of before.
    pub(crate) fn restore(&mut self, attempts: u32) {
        self.attempt = attempts;
    }

    /// The wait after another failure, not below `at_least`. A server's own `Retry-After` is kept to
    /// the letter and jittered beyond, since it tells a thousand phones the same second.
    pub fn next(&mut self, at_least: Duration) -> Duration {
        let ceiling = self.base.saturating_mul(1 << self.attempt.min(16)).min(self.cap);
        self.attempt = self.attempt.saturating_add(1);
        let jitter = ceiling.mul_f64(self.random.f64()).max(FLOOR.min(ceiling));
        if at_least.is_zero() { jitter } else { at_least + jitter.min(self.base) }
    }

    /// Success: the next failure is a first one.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_secs(30);

    #[test]
    fn waits_are_spread_over_the_whole_of_a_doubling_ceiling() {
        for (failures, ceiling) in [(0, 1.0), (1, 2.0), (2, 4.0), (4, 16.0), (5, 30.0), (60, 30.0)] {
            let waits: Vec<f64> = (0..2_000)
                .map(|seed| {
                    let mut backoff = Backoff::seeded(BASE, CAP, seed);
                    for _ in 0..failures {
                        backoff.next(Duration::ZERO);
                    }
                    backoff.next(Duration::ZERO).as_secs_f64()
                })
                .collect();
            let mean = waits.iter().sum::<f64>() / waits.len() as f64;
            assert!(waits.iter().all(|w| (0.1..=ceiling).contains(w)), "within 0.1 s and {ceiling} s");
            assert!((mean / ceiling - 0.5).abs() < 0.04, "mean {mean} of ceiling {ceiling}");
        }
    }

    #[test]
    fn a_servers_wish_is_never_undercut_and_hardly_overrun() {
        for seed in 0..500 {
            let mut backoff = Backoff::seeded(BASE, CAP, seed);
            backoff.next(Duration::ZERO);
            let wait = backoff.next(Duration::from_secs(60));
            assert!(wait > Duration::from_secs(60) && wait <= Duration::from_secs(61), "{wait:?}");
        }
    }

    #[test]
    fn success_begins_anew() {
        let mut backoff = Backoff::seeded(BASE, CAP, 7);
        for _ in 0..10 {
            backoff.next(Duration::ZERO);
        }
        assert_eq!(backoff.attempt(), 10);
        backoff.reset();
        assert!(backoff.next(Duration::ZERO) <= BASE);
    }
}
