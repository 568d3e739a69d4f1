//! When a room's changes leave for its listeners: Nagle's idea, by load.
//!
//! Each listener costs one write to the kernel, whatever is in it. So where few deliveries are made, every
//! change leaves at once, and where many are, changes that follow each other closely leave together:
//!
//! | | |
//! |---|---|
//! | alone, or little load | at once: nothing is ever added to a lone message's way |
//! | crowded and busy | when the window ends, or so many are waiting, whichever is first |
//! | urgent | at once, with all that waits, so that the order stays |
//!
//! *Load* is the changes of the last second times the listeners, what came before the change in question,
//! so that the first after a silence is never held. Nothing waits either when the window is not expected to
//! bring company.
//!
//! *Urgent* are deletions, since what is taken back should be off every screen, and removals from the room.
//! A new message is not, whoever wrote it: the sender has the answer to the `POST`. Nor is an edit: it
//! replaces what people have read already.
//!
//! Pure: no clock, no I/O.

use std::time::Duration;
use tokio::time::Instant;

/// When changes wait for company, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Batching {
    /// The longest that a change waits. Zero: nothing ever waits.
    pub window: Duration,
    /// Changes that leave together at the latest.
    pub count: u32,
    /// Deliveries a second (changes × listeners) above which changes wait.
    pub above: u32,
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            // Below what anybody notices; a hundred messages a second leave by fives.
            window: Duration::from_millis(50),
            // About 14 KB, what a fresh TCP connection sends in one go.
            count: 64,
            // A third of the 150,000 bare sends that a core makes in a second.
            above: 50_000,
        }
    }
}

/// What waits in one room, and until when.
#[derive(Debug)]
pub(super) struct Departures {
    batching: Batching,
    meter: Meter,
    waiting: u32,
    due: Option<Instant>,
}

impl Departures {
    pub(super) fn new(batching: Batching, now: Instant) -> Self {
        Self { batching, meter: Meter::new(now), waiting: 0, due: None }
    }

    /// Something has changed while so many listen.
    pub(super) fn arrived(&mut self, now: Instant, changes: u32, urgent: bool, listeners: usize) {
        let rate = self.meter.per_second(now);
        self.meter.add(now, changes);
        self.waiting = self.waiting.saturating_add(changes);
        let crowded = rate * listeners as f64 > f64::from(self.batching.above);
        let company = rate * self.batching.window.as_secs_f64() >= 1.0;
        let wait = match crowded && company && !urgent && self.waiting < self.batching.count {
            true => self.batching.window,
            false => Duration::ZERO,
        };
        let due = now + wait;
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// When what waits has to leave; `None` when nothing does.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Everything has left.
    pub(super) fn left(&mut self) {
        (self.waiting, self.due) = (0, None);
    }

    /// What should have left could not; it tries again then.
    pub(super) fn again(&mut self, at: Instant) {
        self.due = Some(at);
    }
}

/// Changes in the last second, from two counters: those of this second, and of the one before as far as it
/// still counts.
#[derive(Debug)]
struct Meter {
    since: Instant,
    before: u32,
    now: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Meter {
    fn new(now: Instant) -> Self {
        Self { since: now, before: 0, now: 0 }
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed >= SECOND * 2 {
            *self = Self::new(now);
        } else if passed >= SECOND {
            *self = Self { since: self.since + SECOND, before: self.now, now: 0 };
        }
    }

    fn add(&mut self, now: Instant, changes: u32) {
        self.turn(now);
        self.now = self.now.saturating_add(changes);
    }

    fn per_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        f64::from(self.before) * (1.0 - passed) + f64::from(self.now)
    }
}

#[cfg(test)]
mod tests;
