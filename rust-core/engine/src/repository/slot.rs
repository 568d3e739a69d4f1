//! Who shows something at the moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A listener's share of something, which ends when another takes its place.
pub(crate) trait Detach {
    /// Begins no call ever again.
    fn detach(&self);
}

/// A place for one listener's share. What is shown outlives whoever shows it, and a newer one takes the
/// place of an older.
pub(crate) struct Slot<F>(Arc<Mutex<Option<Arc<F>>>>);

impl<F> Clone for Slot<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> Default for Slot<F> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<F: Detach> Slot<F> {
    /// Calls `tell` with whoever is here, if anybody is.
    pub(crate) fn tell(&self, tell: impl FnOnce(&F)) {
        if let Some(feed) = self.here().as_ref() {
            tell(feed);
        }
    }

    /// Gives the place to a new one, and takes it from the old one.
    pub(crate) fn replace(&self, feed: Option<Arc<F>>) {
        if let Some(old) = std::mem::replace(&mut *self.here(), feed) {
            old.detach();
        }
    }

    /// Takes the place from `feed`, if that still has it.
    pub(crate) fn release(&self, feed: &Arc<F>) {
        let mut here = self.here();
        if here.as_ref().is_some_and(|now| Arc::ptr_eq(now, feed)) {
            *here = None;
        }
    }

    fn here(&self) -> MutexGuard<'_, Option<Arc<F>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
