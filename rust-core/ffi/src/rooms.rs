//! The list of rooms on a screen.

use crate::{ConnectionState, ListenerError};
use chat_engine::protocol::RoomId;
use chat_engine::{ListenerFailed, RoomList};
use std::sync::Arc;

/// One room of the list.
#[derive(Debug, Clone, uniffi::Record)]
pub struct RoomListItem {
    /// The room's number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Its newest message, if it has any.
    pub last_message: Option<LastMessage>,
    /// Messages of others beyond the read marker.
    pub unread: u64,
}

/// The newest message of a room.
#[derive(Debug, Clone, uniffi::Record)]
pub struct LastMessage {
    /// Its number in the room.
    pub id: i64,
    /// Who wrote it.
    pub sender: String,
    /// Whether that is this account.
    pub own: bool,
    /// What it says; empty when deleted.
    pub text: String,
    /// Milliseconds since 1970-01-01T00:00Z, by the server's clock.
    pub sent_at_ms: i64,
    /// Whether only its tombstone is left.
    pub deleted: bool,
}

/// Hears about the list of rooms, under the same rules as a `RoomListener`.
#[uniffi::export(foreign)]
pub trait RoomListListener: Send + Sync {
    /// The whole list, the liveliest room first.
    ///
    /// # Errors
    /// An exception is noted, not its message; the list is told again in a second.
    fn on_rooms(&self, rooms: Vec<RoomListItem>) -> Result<(), ListenerError>;
    /// The job's state changed.
    ///
    /// # Errors
    /// An exception is without effect.
    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerError>;
}

/// The list of rooms on a screen. Any method, from any thread, in any order, any number of times.
#[derive(uniffi::Object)]
pub struct RoomListCore(RoomList);

impl RoomListCore {
    pub(crate) fn new(list: RoomList) -> Arc<Self> {
        Arc::new(Self(list))
    }
}

#[uniffi::export]
impl RoomListCore {
    /// Wants the list kept up to date; returns at once. Twice is once.
    pub fn start(&self) {
        self.0.start();
    }

    /// Wants that stopped; returns at once, and no callback begins until the next start.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Asks now, if the job runs.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// Stops the job and lets go of the listener, for good.
    pub fn detach(&self) {
        self.0.detach();
    }
}

/// Kotlin's listener as the engine knows one.
pub(crate) fn adapter(listener: Arc<dyn RoomListListener>) -> Arc<dyn chat_engine::RoomListListener> {
    Arc::new(Adapter(listener))
}

struct Adapter(Arc<dyn RoomListListener>);

impl chat_engine::RoomListListener for Adapter {
    fn on_rooms(&self, rooms: Vec<chat_engine::RoomListItem>) -> Result<(), ListenerFailed> {
        let rooms = rooms.into_iter().map(Into::into).collect();
        self.0.on_rooms(rooms).map_err(|ListenerError::Threw| ListenerFailed)
    }

    fn on_connection(&self, state: chat_engine::ConnectionState) -> Result<(), ListenerFailed> {
        self.0.on_connection(state.into()).map_err(|ListenerError::Threw| ListenerFailed)
    }
}

impl From<chat_engine::RoomListItem> for RoomListItem {
    fn from(room: chat_engine::RoomListItem) -> Self {
        Self {
            id: RoomId::get(room.id),
            title: room.title,
            last_message: room.last_message.map(|m| LastMessage {
                id: m.id.get(),
                sender: m.sender.as_str().to_owned(),
                own: m.own,
                text: m.text,
                sent_at_ms: m.sent_at.as_millis(),
                deleted: m.deleted,
            }),
            unread: room.unread,
        }
    }
}
