//! A room on a screen.

use crate::{ConnectionState, CoreError, ListenerError, TimelineUpdate};
use chat_engine::{ItemKey, ListenerFailed, Room};
use std::sync::Arc;

/// Hears about one room. Calls come one at a time, in order, on a thread of the library; they must
/// not wait for anything.
#[uniffi::export(foreign)]
pub trait RoomListener: Send + Sync {
    /// The timeline changed.
    ///
    /// # Errors
    /// An exception is noted, not its message; a snapshot of everything follows in a second.
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerError>;
    /// The job's state changed.
    ///
    /// # Errors
    /// An exception is without effect; the next state comes all the same.
    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerError>;
}

/// A room on a screen. Any method, from any thread, in any order, any number of times.
#[derive(uniffi::Object)]
pub struct RoomCore(Room);

impl RoomCore {
    pub(crate) fn new(room: Room) -> Arc<Self> {
        Arc::new(Self(room))
    }
}

#[uniffi::export]
impl RoomCore {
    /// Wants the job running; returns at once. Twice is once.
    pub fn start(&self) {
        self.0.start();
    }

    /// Wants the job stopped; returns at once. The request in flight is dropped, and no callback
    /// begins until the next start; one that has begun may be about to enter Kotlin.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Polls now, if the job runs, and sends what is unsent.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// Stores a message to be sent and returns its key on screen. Touches the disk: not on the main thread.
    ///
    /// # Errors
    /// `TextBlank`, `TextTooLong`, `TextInvalid`, `Storage` or `Closed`; nothing is sent then.
    pub fn send(&self, text: String) -> Result<i64, CoreError> {
        Ok(self.0.send(&text)?.get())
    }

    /// Sends a failed message again. Touches the disk.
    ///
    /// # Errors
    /// `NotFound` unless there is one with this key that failed.
    pub fn retry(&self, key: i64) -> Result<(), CoreError> {
        Ok(self.0.retry(ItemKey::from_number(key))?)
    }

    /// Drops a failed message. Touches the disk.
    ///
    /// # Errors
    /// `NotFound` unless there is one with this key that failed.
    pub fn discard(&self, key: i64) -> Result<(), CoreError> {
        Ok(self.0.discard(ItemKey::from_number(key))?)
    }

    /// Stops the job and lets go of the listener, for good.
    pub fn detach(&self) {
        self.0.detach();
    }
}

/// Kotlin's listener as the engine knows one.
pub(crate) fn adapter(listener: Arc<dyn RoomListener>) -> Arc<dyn chat_engine::RoomListener> {
    Arc::new(Adapter(listener))
}

struct Adapter(Arc<dyn RoomListener>);

impl chat_engine::RoomListener for Adapter {
    fn on_timeline(&self, update: chat_engine::TimelineUpdate) -> Result<(), ListenerFailed> {
        self.0.on_timeline(update.into()).map_err(|ListenerError::Threw| ListenerFailed)
    }

    fn on_connection(&self, state: chat_engine::ConnectionState) -> Result<(), ListenerFailed> {
        self.0.on_connection(state.into()).map_err(|ListenerError::Threw| ListenerFailed)
    }
}
