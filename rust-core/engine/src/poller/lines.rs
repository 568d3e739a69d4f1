//! What an engine knows of the ways to its server, for all its rooms.

use super::ladder::Ladder;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// See the module's documentation.
pub(crate) struct Lines {
    ladder: Mutex<Ladder>,
    /// How often the network came back.
    network: watch::Sender<u64>,
    /// Streams that have ended otherwise than by our own wish.
    broken: AtomicU64,
}

impl Lines {
    pub(crate) fn new(ladder: Ladder) -> Self {
        Self { ladder: Mutex::new(ladder), network: watch::Sender::new(0), broken: AtomicU64::new(0) }
    }

    /// The network is back, or another one: streams on the old one are dead, and what was found out about it
    /// no longer holds.
    pub(crate) fn network_back(&self) {
        self.ladder().forget();
        self.network.send_modify(|n| *n += 1);
    }

    /// Hears of it when the network is back, from now on.
    pub(super) fn network(&self) -> watch::Receiver<u64> {
        self.network.subscribe()
    }

    /// One more stream has broken.
    pub(super) fn broke(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    /// How many streams have broken so far.
    pub(crate) fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn ladder(&self) -> MutexGuard<'_, Ladder> {
        self.ladder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
