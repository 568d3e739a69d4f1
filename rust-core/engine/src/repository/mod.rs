//! What a screen reads: a room's timeline, first as a snapshot, then as diffs.
//!
//! Everything here comes out of the cache, after the commit that stored it. A diff carries the
//! committed rows of one or more batches; when a listener falls behind, the diffs waiting for it
//! are dropped and it gets a fresh snapshot instead, so nothing is lost and nothing piles up.

mod feed;
mod history;
mod rooms;
mod screen;
mod slot;
mod timeline;

pub(crate) use feed::Feed;
pub(crate) use history::History;
pub use history::{LoadError, Loaded};
pub(crate) use rooms::RoomListFeed;
pub use rooms::{LastMessage, RoomListItem};
pub(crate) use screen::Screen;
pub(crate) use slot::{Detach, Slot};
pub use timeline::Timeline;

use crate::cache::Reach;
use crate::poller::ConnectionState;
use chat_protocol::{MessageId, Seq, Timestamp, UserId};
use std::fmt;

/// A timeline item's identity on screen, for as long as it is there: an own message keeps the key
/// it was written under when the server confirms it, so it neither flickers nor jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey(i64);

impl ItemKey {
    /// A positive key is the message's id; a negative one was given by this device's outbox.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The key of an item by its number, as [`ItemKey::get`] gave it.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    pub(crate) fn local(outbox_key: i64) -> Self {
        Self(-outbox_key)
    }

    pub(crate) fn of(id: MessageId, outbox_key: Option<i64>) -> Self {
        outbox_key.map_or(Self(id.get()), Self::local)
    }

    /// The outbox's own number, if the item was written on this device.
    pub(crate) fn outbox_key(self) -> Option<i64> {
        (self.0 < 0).then_some(-self.0)
    }
}

/// How far a message has got.
///
/// ```text
/// Pending ⇄ Sending → Sent → Confirmed
///              └────→ Failed → Pending (retry)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// On this device, waiting for its turn or for the network.
    Pending,
    /// On its way.
    Sending,
    /// The server has it; polling has not brought it back yet.
    Sent,
    /// Part of the room's history. Everything from others is.
    Confirmed,
    /// The server will not take it.
    Failed(FailureReason),
}

/// Why the server will not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// Refused as it is; see the log for the code.
    Refused,
    /// The user is not in the room.
    NotAMember,
    /// The room is no more.
    RoomNotFound,
}

impl FailureReason {
    pub(crate) fn code(self) -> i64 {
        match self {
            FailureReason::Refused => 0,
            FailureReason::NotAMember => 1,
            FailureReason::RoomNotFound => 2,
        }
    }

    pub(crate) fn from_code(code: Option<i64>) -> Self {
        match code {
            Some(1) => FailureReason::NotAMember,
            Some(2) => FailureReason::RoomNotFound,
            _ => FailureReason::Refused,
        }
    }
}

/// Whether an edit or the deletion of an own message waits for the server. What is wished shows at once;
/// when it is refused, the message shows as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeState {
    /// Nothing waits.
    None,
    /// It shows, and the server has not confirmed it.
    Pending,
    /// The server will not have it; [`crate::Room::retry`] or [`crate::Room::discard`] it.
    Failed(FailureReason),
}

/// One message on screen.
#[derive(Clone, PartialEq, Eq)]
pub struct TimelineItem {
    /// Its identity on screen.
    pub key: ItemKey,
    /// Its place in the room, once confirmed.
    pub id: Option<MessageId>,
    /// Its newest change, once confirmed.
    pub seq: Option<Seq>,
    /// Who wrote it.
    pub sender: UserId,
    /// Whether that is this account.
    pub own: bool,
    /// What it says; empty when deleted.
    pub text: String,
    /// By the server's clock once confirmed, by this device's until then.
    pub sent_at: Timestamp,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether only its tombstone is left.
    pub deleted: bool,
    /// How far it has got.
    pub state: DeliveryState,
    /// What the user wants changed of it.
    pub change: ChangeState,
}

/// Everything but the text, which belongs in no log.
impl fmt::Debug for TimelineItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, id, state) = (self.key.get(), self.id.map(MessageId::get), self.state);
        write!(
            f,
            "TimelineItem {{ key: {key}, id: {id:?}, state: {state:?}, {} bytes of text }}",
            self.text.len()
        )
    }
}

/// What a screen shows about a room beside its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoomStatus {
    /// Whether there are older messages than those shown, here or on the server.
    pub has_older: bool,
    /// The last message read, here or on another device.
    pub read_marker: Option<MessageId>,
    /// Messages of others beyond it.
    pub unread: u64,
}

/// A change of a timeline. [`Timeline::apply`] is what it means.
///
/// Message ids are dense: where two neighbours' ids are not, what lies between is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimelineUpdate {
    /// Replaces everything: the newest items, in screen order.
    Snapshot {
        /// The items.
        items: Vec<TimelineItem>,
        /// The rest.
        status: RoomStatus,
    },
    /// Removes some items by key, then adds or replaces others by key.
    Diff {
        /// New or changed.
        upserted: Vec<TimelineItem>,
        /// No longer there.
        removed: Vec<ItemKey>,
        /// The rest, as it is now.
        status: RoomStatus,
    },
}

/// What a commit changed of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) upserted: Vec<TimelineItem>,
    pub(crate) removed: Vec<ItemKey>,
    /// How far the room is known and read, if that may have changed.
    pub(crate) reach: Option<Reach>,
    /// Whether a message has come that something is wished for: the outbox can send that now.
    pub(crate) wished: bool,
}

impl From<TimelineItem> for Change {
    fn from(item: TimelineItem) -> Self {
        Self { upserted: vec![item], ..Self::default() }
    }
}

/// Hears about one room. Calls come one at a time, in the order of the commits, on an engine
/// thread; they must not wait for anything, least of all for a thread that may be in a call to the
/// engine. None is begun after [`crate::Room::stop`] has returned, until the next start. `stop` does
/// not wait, so a call begun on another thread just before may reach its first instruction just
/// after; a listener for which that matters checks once more under a lock of its own (ADR 0005).
pub trait RoomListener: Send + Sync + 'static {
    /// The timeline changed.
    ///
    /// # Errors
    /// [`ListenerFailed`] when the update was not taken in: a snapshot follows in a second.
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed>;

    /// The job's state changed. Only the newest is told.
    ///
    /// # Errors
    /// [`ListenerFailed`], to no effect: the next state is told all the same.
    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerFailed>;
}

/// Hears about the list of rooms, under the same rules as a [`RoomListener`].
pub trait RoomListListener: Send + Sync + 'static {
    /// The list, the liveliest room first.
    ///
    /// # Errors
    /// [`ListenerFailed`] when it was not taken in: it is told again in a second.
    fn on_rooms(&self, rooms: Vec<RoomListItem>) -> Result<(), ListenerFailed>;

    /// The job's state changed. Only the newest is told.
    ///
    /// # Errors
    /// [`ListenerFailed`], to no effect.
    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerFailed>;
}

/// A listener could not take something in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerFailed;
