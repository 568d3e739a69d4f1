//! How many an address has of something: open connections, requests that wait for keys.

use super::address::Network;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who has how many. As many entries at most as there are connections.
type Open = Arc<Mutex<HashMap<Network, u32>>>;

/// Counts them.
pub(super) struct Connections {
    /// In all.
    pub(super) most: u32,
    /// Of one address; 0 is no limit.
    of_one: u32,
    open: Open,
}

impl Connections {
    pub(super) fn new(most: u32, of_one: u32) -> Self {
        Self { most, of_one, open: Open::default() }
    }

    /// One more, if there may be. `None` for a network is somebody who is not counted.
    pub(super) fn enter(&self, network: Option<Network>) -> Option<Entry> {
        let Some(network) = network.filter(|_| self.of_one > 0) else { return Some(Entry(None)) };
        let mut open = lock(&self.open);
        let count = open.entry(network).or_default();
        if *count >= self.of_one {
            return None;
        }
        *count += 1;
        Some(Entry(Some((network, Arc::clone(&self.open)))))
    }
}

/// A connection that counts until this is dropped.
pub(crate) struct Entry(Option<(Network, Open)>);

impl Drop for Entry {
    fn drop(&mut self) {
        let Some((network, open)) = &self.0 else { return };
        let mut open = lock(open);
        if let Some(count) = open.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                open.remove(network);
            }
        }
    }
}

/// Nothing under the lock can panic half done.
fn lock(open: &Open) -> MutexGuard<'_, HashMap<Network, u32>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_with_its_connection() {
        let connections = Connections::new(10, 2);
        let (one, other) = (Network::of([192, 0, 2, 1].into()), Network::of([192, 0, 2, 2].into()));
        let first = connections.enter(Some(one)).unwrap();
        let _second = connections.enter(Some(one)).unwrap();
        assert!(connections.enter(Some(one)).is_none());
        assert!(connections.enter(Some(other)).is_some(), "each for itself");
        assert!((0..9).map(|_| connections.enter(None)).collect::<Option<Vec<_>>>().is_some(), "not counted");
        drop(first);
        assert!(connections.enter(Some(one)).is_some());
        drop(_second);
        assert!(lock(&connections.open).is_empty(), "nobody is remembered who has none");
    }
}
