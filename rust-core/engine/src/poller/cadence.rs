//! How often a room is asked: every second while people talk, ever more seldom while they are silent.
//!
//! ```text
//! interval
//!  30 s ┤                                      ┌──────── ceiling
//!       │                              ┌───────┘
//!       │                     ┌────────┘   a second later for each ten of silence
//!   1 s ┼─────────────────────┘ base
//!       └────────────────────┬─────────────────┬───────▶ silence
//!                          1 min            5 min 50 s
//! ```
//! So a message that ends a silence is late by a tenth of that silence at most, and a silent hour costs
//! some 200 polls instead of 3,600. Whatever stirs the room begins a new minute at the base: a message,
//! a change, one's own sending, a push, the network that is back, the screen that is shown.
//!
//! Pure: it is told what time it is.

use crate::Timings;
use std::time::Duration;
use tokio::time::Instant;

/// Seconds of silence for each second of interval.
const SLOPE: u32 = 10;

/// The interval between two polls.
#[derive(Debug)]
pub(crate) struct Cadence {
    base: Duration,
    lively: Duration,
    ceiling: Duration,
    stirred: Instant,
    /// The server's own, for as long as it says so.
    wish: Duration,
}

impl Cadence {
    /// For a room whose screen was shown just now.
    pub(crate) fn room(timings: &Timings, now: Instant) -> Self {
        Self {
            base: timings.poll_interval,
            lively: timings.lively_for,
            ceiling: timings.poll_ceiling.max(timings.poll_interval),
            stirred: now,
            wish: Duration::ZERO,
        }
    }

    /// For the list of rooms.
    pub(crate) fn rooms(timings: &Timings, now: Instant) -> Self {
        let base = timings.rooms_interval;
        Self { base, ceiling: base.max(timings.poll_ceiling), ..Self::room(timings, now) }
    }

    /// Something happened.
    pub(crate) fn stir(&mut self, now: Instant) {
        self.stirred = now;
    }

    /// What the last answer said about the interval. It is kept to, but does not stand against what stirs.
    pub(crate) fn wish(&mut self, interval: Option<Duration>) {
        self.wish = interval.unwrap_or_default();
    }

    /// From one answer to the next poll.
    pub(crate) fn interval(&self, now: Instant) -> Duration {
        let silence = now.saturating_duration_since(self.stirred);
        let grown = self.base + silence.saturating_sub(self.lively) / SLOPE;
        grown.min(self.ceiling).max(self.wish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(timings: &Timings, silences: &[u64]) -> Vec<f64> {
        let begun = Instant::now();
        let cadence = Cadence::room(timings, begun);
        silences.iter().map(|s| cadence.interval(begun + Duration::from_secs(*s)).as_secs_f64()).collect()
    }

    #[test]
    fn the_interval_is_the_base_then_a_tenth_of_the_silence_then_the_ceiling() {
        let seconds = [0, 59, 60, 70, 160, 349, 350, 351, 86_400];
        let expected = [1.0, 1.0, 1.0, 2.0, 11.0, 29.9, 30.0, 30.0, 30.0];
        assert_eq!(curve(&Timings::default(), &seconds), expected);
    }

    #[test]
    fn a_ceiling_at_the_base_is_a_fixed_cadence() {
        let timings = Timings { poll_ceiling: Duration::from_secs(1), ..Timings::default() };
        assert_eq!(curve(&timings, &[0, 100, 100_000]), [1.0; 3]);
    }

    #[test]
    fn a_servers_wish_holds_until_it_is_taken_back_also_above_the_ceiling() {
        let now = Instant::now();
        let mut cadence = Cadence::room(&Timings::default(), now);
        cadence.wish(Some(Duration::from_secs(45)));
        assert_eq!(cadence.interval(now), Duration::from_secs(45));
        cadence.wish(None);
        assert_eq!(cadence.interval(now), Duration::from_secs(1));
    }
}
