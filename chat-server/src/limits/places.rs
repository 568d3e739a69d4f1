//! How many one has of something at the same time: open connections, long answers, requests that wait for keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who has how many. As many entries at most as there are places taken.
type Taken<K> = Arc<Mutex<HashMap<K, u32>>>;

/// Counts them.
pub(super) struct Places<K> {
    /// Of one; 0 is no limit.
    of_one: u32,
    taken: Taken<K>,
}

impl<K: Hash + Eq + Clone> Places<K> {
    pub(super) fn new(of_one: u32) -> Self {
        Self { of_one, taken: Taken::default() }
    }

    /// One more, if there may be. `None` for whom is somebody who is not counted.
    pub(super) fn enter(&self, whom: Option<K>) -> Option<Entry<K>> {
        let Some(whom) = whom.filter(|_| self.of_one > 0) else { return Some(Entry(None)) };
        let mut taken = lock(&self.taken);
        let count = taken.entry(whom.clone()).or_default();
        if *count >= self.of_one {
            return None;
        }
        *count += 1;
        Some(Entry(Some((whom, Arc::clone(&self.taken)))))
    }
}

/// A place that is taken until this is dropped.
pub(crate) struct Entry<K: Hash + Eq>(Option<(K, Taken<K>)>);

impl<K: Hash + Eq> Drop for Entry<K> {
    fn drop(&mut self) {
        let Some((whom, taken)) = &self.0 else { return };
        let mut taken = lock(taken);
        if let Some(count) = taken.get_mut(whom) {
            *count -= 1;
            if *count == 0 {
                taken.remove(whom);
            }
        }
    }
}

/// Nothing under the lock can panic half done.
fn lock<K>(taken: &Taken<K>) -> MutexGuard<'_, HashMap<K, u32>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_by_who_had_it() {
        let places = Places::new(2);
        let first = places.enter(Some("one")).unwrap();
        let second = places.enter(Some("one")).unwrap();
        assert!(places.enter(Some("one")).is_none());
        assert!(places.enter(Some("other")).is_some(), "each for itself");
        assert!((0..9).map(|_| places.enter(None)).collect::<Option<Vec<_>>>().is_some(), "not counted");
        drop(first);
        assert!(places.enter(Some("one")).is_some());
        drop(second);
        assert!(lock(&places.taken).is_empty(), "nobody is remembered who has none");
    }
}
