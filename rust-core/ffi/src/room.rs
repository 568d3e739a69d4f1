//! A room on a screen.

use crate::{ConnectionState, CoreError, ListenerError, LoadResult, TimelineUpdate};
use chat_engine::protocol::MessageId;
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

/// Hears, once, what came of [`RoomCore::load_older`].
#[uniffi::export(foreign)]
pub trait LoadListener: Send + Sync {
    /// It is done; the room's listener has heard of the messages before. On a thread of the library; must not wait.
    ///
    /// # Errors
    /// An exception is without effect.
    fn on_done(&self, result: LoadResult) -> Result<(), ListenerError>;
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

    /// What was typed here and not sent; empty when nothing was. Touches the disk.
    ///
    /// # Errors
    /// `Storage`, `Closed`.
    pub fn draft(&self) -> Result<String, CoreError> {
        Ok(self.0.draft()?)
    }

    /// Keeps what stands in the text box; an empty text keeps nothing. Sending it ends it. Touches the disk.
    ///
    /// # Errors
    /// `DiskFull`, `Storage`, `Closed`; what was kept before still is.
    pub fn save_draft(&self, text: String) -> Result<(), CoreError> {
        Ok(self.0.save_draft(&text)?)
    }

    /// Has an own message say something else; shows at once. One that is not sent yet, or failed, is sent
    /// with the new text instead. Touches the disk.
    ///
    /// # Errors
    /// As `send`; `NotTheSender`; `NotFound` for what is not there or is deleted.
    pub fn edit(&self, key: i64, text: String) -> Result<(), CoreError> {
        Ok(self.0.edit(ItemKey::from_number(key), &text)?)
    }

    /// Deletes an own message; shows at once. One that is not sent yet is just not sent. Touches the disk.
    ///
    /// # Errors
    /// As `edit`.
    pub fn delete(&self, key: i64) -> Result<(), CoreError> {
        Ok(self.0.delete(ItemKey::from_number(key))?)
    }

    /// Sends again what failed: a message, or the change of one. Touches the disk.
    ///
    /// # Errors
    /// `NotFound` unless there is one with this key that failed; `Storage`, `DiskFull`, `Closed`.
    pub fn retry(&self, key: i64) -> Result<(), CoreError> {
        Ok(self.0.retry(ItemKey::from_number(key))?)
    }

    /// Takes back what failed or has certainly not been sent: a message, or the change of one. Touches the disk.
    ///
    /// # Errors
    /// `TooLate` when it may be on the server; `NotFound` when there is nothing to take back.
    pub fn discard(&self, key: i64) -> Result<(), CoreError> {
        Ok(self.0.discard(ItemKey::from_number(key))?)
    }

    /// The user has read up to and including the message with this number. Only ever forward; the
    /// server is told soon, once for many. Touches the disk.
    ///
    /// # Errors
    /// `NotFound` for what is no message's number; `Storage`, `DiskFull`, `Closed`.
    pub fn mark_read(&self, message_id: i64) -> Result<(), CoreError> {
        let id = MessageId::new(message_id).map_err(|_| CoreError::NotFound)?;
        Ok(self.0.mark_read(id)?)
    }

    /// Has the next older messages put before those shown, from the cache or from the server. One flight
    /// at a time: asked meanwhile, its end answers everybody. Returns at once.
    pub fn load_older(&self, done: Arc<dyn LoadListener>) {
        self.0.load_older(move |result| {
            if done.on_done(result.into()).is_err() {
                log::warn!("an answer about older messages was not taken in");
            }
        });
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
