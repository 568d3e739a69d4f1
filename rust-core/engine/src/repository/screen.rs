//! The screen that shows a room, while there is one.

use super::{Change, Feed, RoomListFeed, Slot};
use std::sync::Arc;

/// Where a room's changes go: whoever commits one asks here, under the cache's lock, who is to hear of it.
#[derive(Clone)]
pub(crate) struct Screen {
    feed: Slot<Feed>,
    list: Slot<RoomListFeed>,
}

impl Screen {
    /// Nobody's yet. `list` shows what is newest in the room.
    pub(crate) fn new(list: Slot<RoomListFeed>) -> Self {
        Self { feed: Slot::default(), list }
    }

    /// A committed change, for the screen of the moment.
    pub(crate) fn push(&self, change: Change) {
        if change.reach.is_some() {
            self.touch();
        }
        self.feed.tell(|feed| feed.push(change));
    }

    /// Something has changed that is told later; the list may show it now.
    pub(crate) fn touch(&self) {
        self.list.tell(RoomListFeed::refresh);
    }

    /// More has changed than is worth telling piece by piece.
    pub(crate) fn refresh(&self) {
        self.touch();
        self.feed.tell(Feed::refresh);
    }

    /// Gives the room to a new screen, and takes it from the old one.
    pub(crate) fn replace(&self, feed: Option<Arc<Feed>>) {
        self.feed.replace(feed);
    }

    /// Takes the room from `feed`, if that still has it.
    pub(crate) fn release(&self, feed: &Arc<Feed>) {
        self.feed.release(feed);
    }
}
