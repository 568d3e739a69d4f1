//! How fast a peer's frames are read: a token bucket.
//!
//! Who sends faster waits, as the network makes everybody wait; nothing is refused for it. An outbox on a good
//! network sends each message when the one before is answered, which is hundreds a second.

use std::time::Duration;
use tokio::time::Instant;

/// Frames a second that may go on for ever: pings, pongs and sends. A person types one in a second.
const PER_SECOND: f32 = 50.0;

/// Frames at once: what was written in a tunnel goes up without a wait.
const BURST: f32 = 100.0;

pub(super) struct Bucket {
    left: f32,
    since: Instant,
}

impl Bucket {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// From when on the next frame may be read; `None`: at once.
    pub(super) fn wait(&self) -> Option<Instant> {
        (self.left < 1.0).then(|| self.since + Duration::from_secs_f32((1.0 - self.left) / PER_SECOND))
    }

    /// A frame has been read.
    pub(super) fn take(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs_f32();
        self.left = (self.left + passed * PER_SECOND).min(BURST) - 1.0;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are read then, if there are as many as one likes.
    fn read(bucket: &mut Bucket, now: Instant) -> usize {
        let mut read = 0;
        while bucket.wait().is_none_or(|at| at <= now) {
            bucket.take(now);
            read += 1;
        }
        read
    }

    #[test]
    fn a_burst_passes_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        let mut read = |at: Duration| read(&mut bucket, start + at);
        assert_eq!(read(Duration::ZERO), 100);
        assert_eq!(read(Duration::from_millis(1_001)), 50);
        assert_eq!(read(Duration::from_millis(1_022)), 1);
        assert_eq!(read(Duration::from_secs(3_600)), 100, "what was not used is not kept for ever");
        let steady = |round| read(Duration::from_secs(3_600) + Duration::from_millis(round * 21));
        assert!((10_498..=10_500).contains(&(1..=10_000_u64).map(steady).sum::<usize>()));
    }
}
