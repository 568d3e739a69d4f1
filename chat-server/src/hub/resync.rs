//! Re-reading: what makes a lost notice a late one.
//!
//! One walk over the open rooms, each of which looks whether the store has anything that it has not brought yet. It
//! begins when somebody says that a notice may have been lost ([`Hub::resync`]), and slowly by itself, always: another
//! process may write to the same database, and the bus may be away. A room that has missed nothing pays one cheap read.
//!
//! The walk has a pace, so that ten thousand rooms are not a stampede; who asks while one is under way gets another
//! after it, however many ask.

use super::Hub;
use crate::store::Changed;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Rooms that read at the same time: no more than a second's worth of an otherwise idle database, with [`PAUSE`].
const STRIDE: usize = 50;

/// Between two strides. 2,500 rooms a second: 10,000 take 4 s, a hundred no time that anybody notices.
const PAUSE: Duration = Duration::from_millis(20);

/// Until the next walk by itself: never longer than was promised, and not the same for all, as several nodes shall not ask
/// one database at the same moment.
fn wait(interval: Duration) -> Duration {
    interval.mul_f64(0.5 + fastrand::f64() / 2.0)
}

impl Hub {
    /// A notice may have been lost: every open room re-reads, soon. Returns at once.
    pub fn resync(&self) {
        self.0.resync.notify_one();
    }

    /// Re-reads when asked to, and within every `interval`, until dropped.
    pub async fn keep_in_sync(self, interval: Duration) {
        loop {
            let _ = timeout(wait(interval), self.0.resync.notified()).await;
            self.walk().await;
        }
    }

    async fn walk(&self) {
        let open: Vec<_> = self.lock().open.values().map(|open| Arc::downgrade(&open.room)).collect();
        for stride in open.chunks(STRIDE) {
            for room in stride.iter().filter_map(|room| room.upgrade()) {
                // Urgent, as what was lost may have been.
                room.changed(&Changed { room: room.id, changes: 0, urgent: true });
            }
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_comes_within_the_interval_and_not_for_all_at_once() {
        let interval = Duration::from_secs(30);
        let waits: Vec<_> = (0..1_000).map(|_| wait(interval)).collect();
        assert!(waits.iter().all(|wait| (interval / 2..=interval).contains(wait)));
        let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*last - *first > interval / 4, "{first:?} to {last:?}");
    }
}
