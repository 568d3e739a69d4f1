//! When the next try may come: after the backoff, or at once when something woke us, but never
//! before a server's own wish.

use super::Backoff;
use crate::Timings;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A backoff, and a `Retry-After` that outlives what it was answered to: a new job, another message
/// to send and a network that is back all wait for it as well.
#[derive(Debug)]
pub(crate) struct Pace {
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(timings: &Timings) -> Self {
        Self { backoff: Backoff::new(timings.backoff_base, timings.backoff_cap), not_before: None }
    }

    /// Tries in a row that have failed.
    pub(crate) fn attempt(&self) -> u32 {
        self.backoff.attempt()
    }

    /// A try succeeded.
    pub(crate) fn succeeded(&mut self) {
        self.backoff.reset();
        self.not_before = None;
    }

    /// A try failed, and the server wants none for `at_least`. Returns the wait until the next.
    pub(crate) fn failed(&mut self, at_least: Duration) -> Duration {
        self.not_before = (!at_least.is_zero()).then(|| Instant::now() + at_least);
        self.backoff.next(at_least)
    }

    /// Waits out the server's wish, if there is one.
    pub(crate) async fn hold(&self) {
        if let Some(not_before) = self.not_before {
            sleep_until(not_before).await;
        }
    }

    /// Goes on where a process of before has stopped: after so many failures, and not before the server's wish.
    pub(crate) fn restore(&mut self, attempts: u32, not_before: Duration) {
        self.backoff.restore(attempts);
        self.not_before = (!not_before.is_zero()).then(|| Instant::now() + not_before);
    }

    /// Forgets a wake-up that came before now, for the try about to be made answers it. Tells whether there was one.
    pub(crate) async fn forget(wake: &Notify) -> bool {
        tokio::select! {
            biased;
            () = wake.notified() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// How long the server's wish still stands.
    pub(crate) fn held(&self) -> Option<Duration> {
        let left = self.not_before?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Waits for `pause`, or until `wake`, and not less than the server's wish. Tells whether it was woken.
    pub(crate) async fn pause(&self, pause: Duration, wake: &Notify) -> bool {
        let over = Instant::now() + pause;
        self.hold().await;
        tokio::select! {
            () = sleep_until(over) => false,
            () = wake.notified() => true,
        }
    }
}
