//! How many frames a peer may send: a token bucket.

use tokio::time::Instant;

/// Frames a second that may go on for ever: pings, pongs and sends. A person types one in a second, and an
/// outbox that comes back from a tunnel is bounded by what is under way.
const PER_SECOND: f32 = 50.0;

/// Frames at once.
const BURST: f32 = 100.0;

pub(super) struct Bucket {
    left: f32,
    since: Instant,
}

impl Bucket {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// Takes one frame out, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_secs_f32();
        self.left = (self.left + passed * PER_SECOND).min(BURST);
        self.since = now;
        let enough = self.left >= 1.0;
        self.left -= f32::from(u8::from(enough));
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        let mut passed = |at: Duration, tries: usize| (0..tries).filter(|_| bucket.take(start + at)).count();
        assert_eq!(passed(Duration::ZERO, 150), 100);
        assert_eq!(passed(Duration::from_secs(1), 150), 50);
        assert_eq!(passed(Duration::from_millis(1_020), 2), 1);
        assert_eq!(passed(Duration::from_secs(3_600), 150), 100, "what was not used is not kept for ever");
        assert!(
            (0..10_000)
                .all(|n| bucket.take(start + Duration::from_secs(3_601) + Duration::from_millis(n * 21)))
        );
    }
}
