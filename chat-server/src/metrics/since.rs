//! How long something has been waiting, noted by one thread and read by another, without a lock.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// All times are nanoseconds after this, which leaves room for 500 years.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Zero: nothing waits.
#[derive(Debug, Default)]
pub(crate) struct Since(AtomicU64);

impl Since {
    /// Something waits from now on, unless something has been waiting for longer.
    pub(crate) fn now(&self) {
        if self.0.load(Ordering::Relaxed) == 0 {
            let _ = self.0.compare_exchange(0, moment(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Nothing waits any more; what did is taken along.
    pub(crate) fn take(&self) -> Self {
        Self(AtomicU64::new(self.0.swap(0, Ordering::Relaxed)))
    }

    /// It waits again.
    pub(crate) fn put_back(&self, taken: &Self) {
        // What came meanwhile waits for less.
        self.0.store(taken.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// For how long it has been waiting, if anything has.
    pub(crate) fn elapsed(&self) -> Option<Duration> {
        let since = self.0.load(Ordering::Relaxed);
        (since > 0).then(|| Duration::from_nanos(moment().saturating_sub(since)))
    }
}

fn moment() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}
