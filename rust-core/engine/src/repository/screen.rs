//! The screen that shows a room, while there is one.

use super::{Change, Feed, RoomListScreen};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a room's changes go. The room outlives its screens, and a newer one takes the place of an
/// older; whoever commits a change asks here, under the cache's lock, who is to hear of it.
#[derive(Clone)]
pub(crate) struct Screen {
    feed: Arc<Mutex<Option<Arc<Feed>>>>,
    list: RoomListScreen,
}

impl Screen {
    /// Nobody's yet. `list` shows what is newest in the room.
    pub(crate) fn new(list: RoomListScreen) -> Self {
        Self { feed: Arc::default(), list }
    }

    /// A committed change, for the screen of the moment.
    pub(crate) fn push(&self, change: Change) {
        if change.reach.is_some() {
            self.list.refresh();
        }
        if let Some(feed) = self.feed().as_ref() {
            feed.push(change);
        }
    }

    /// Something has changed that is told later; the list may show it now.
    pub(crate) fn touch(&self) {
        self.list.refresh();
    }

    /// More has changed than is worth telling piece by piece.
    pub(crate) fn refresh(&self) {
        self.list.refresh();
        if let Some(feed) = self.feed().as_ref() {
            feed.refresh();
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
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
