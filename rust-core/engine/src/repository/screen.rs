//! The screen that shows a room, while there is one.

use super::{Feed, TimelineUpdate};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a room's changes go. The room outlives its screens, and a newer one takes the place of an
/// older; whoever commits a change asks here, under the cache's lock, who is to hear of it.
#[derive(Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<Option<Arc<Feed>>>>);

impl Screen {
    /// A committed change, for the screen of the moment.
    pub(crate) fn push(&self, update: TimelineUpdate) {
        if let Some(feed) = self.feed().as_ref() {
            feed.push(update);
        }
    }

    /// Gives the room to a new screen, and takes it from the old one.
    pub(crate) fn replace(&self, feed: Option<Arc<Feed>>) {
        if let Some(old) = std::mem::replace(&mut *self.feed(), feed) {
            old.detach();
        }
    }

    /// Takes the room from `feed`, if that still has it.
    pub(crate) fn release(&self, feed: &Arc<Feed>) {
        let mut current = self.feed();
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(now, feed)) {
            *current = None;
        }
    }

    fn feed(&self) -> MutexGuard<'_, Option<Arc<Feed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
