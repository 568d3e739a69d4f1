//! A room, as its screen holds it.

use crate::EngineError;
use crate::cache;
use crate::engine::Shared;
use crate::poller::Wanted;
use crate::repository::{Feed, ItemKey, Screen, TimelineUpdate};
use chat_protocol::{MessageText, RoomId, Timestamp, TransactionId};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};

/// The part of a room that outlives its screen.
#[derive(Default)]
pub(crate) struct RoomState {
    pub(crate) screen: Screen,
    pub(crate) work: Arc<Notify>,
    pub(crate) wake: Arc<Notify>,
    wanted: Mutex<Option<watch::Sender<Wanted>>>,
}

impl RoomState {
    /// Gives the room to a new screen, with a job of its own.
    pub(crate) fn attach(&self, feed: Arc<Feed>) -> watch::Sender<Wanted> {
        self.detach();
        let wanted = watch::Sender::new(Wanted::default());
        self.screen.replace(Some(feed));
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(wanted.clone());
        wanted
    }

    /// Takes the room from the screen that has it.
    pub(crate) fn detach(&self) {
        self.screen.replace(None);
        if let Some(wanted) = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).take() {
            wanted.send_if_modified(Wanted::close);
        }
    }
}

/// A room on a screen. Every method may be called from any thread, in any order, any number of
/// times; none waits for the network. Dropping it stops the job and detaches the listener.
pub struct Room {
    pub(crate) id: RoomId,
    pub(crate) shared: Arc<Shared>,
    pub(crate) state: Arc<RoomState>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) wanted: watch::Sender<Wanted>,
}

impl Room {
    /// Which room.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// Wants the job running. A job that runs already goes on; one that ended by itself begins anew.
    pub fn start(&self) {
        self.wanted.send_if_modified(|wanted| {
            // Open before the job can say anything, under the lock that `stop` takes as well.
            self.feed.open();
            wanted.start()
        });
    }

    /// Wants the job stopped, and waits for nothing: the request in flight is dropped, and no callback is
    /// begun until the next start (see [`crate::RoomListener`]). Messages being sent go on.
    pub fn stop(&self) {
        self.wanted.send_if_modified(|wanted| {
            self.feed.shut();
            wanted.stop()
        });
    }

    /// Polls now, if the job runs: a push message came, the network is back. The outbox tries again too.
    pub fn wake(&self) {
        self.state.wake.notify_one();
        self.state.work.notify_one();
    }

    /// Says `text`. When this returns the message is on disk, and will be sent, also by the next
    /// process; it is on screen at once, under the key returned. Touches the disk.
    ///
    /// # Errors
    /// [`EngineError::Text`] for a text that may not be sent, [`EngineError::Storage`] when it could
    /// not be stored, [`EngineError::Closed`]. Nothing is sent then.
    pub fn send(&self, text: &str) -> Result<ItemKey, EngineError> {
        let text = MessageText::new(text)?;
        let transaction = TransactionId::new(uuid::Uuid::new_v4().to_string())
            .map_err(|e| EngineError::Storage(e.to_string()))?;
        let me = &self.shared.config.account.user;
        let key = self.shared.cache.commit(
            |t| cache::add(t, self.id, me, &text, &transaction, Timestamp::now()),
            |item| {
                let key = item.key;
                self.state.screen.push(item.into());
                key
            },
        )?;
        self.state.work.notify_one();
        Ok(key)
    }

    /// Sends a failed message again, under the same transaction id.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] unless it is in the outbox and failed.
    pub fn retry(&self, key: ItemKey) -> Result<(), EngineError> {
        let number = key.outbox_key().ok_or(EngineError::NotFound)?;
        let me = &self.shared.config.account.user;
        self.shared
            .cache
            .commit(|t| cache::retry(t, self.id, number, me), |item| self.state.screen.push(item.into()))?;
        self.state.work.notify_one();
        Ok(())
    }

    /// Drops a failed message for good.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] unless it is in the outbox and failed.
    pub fn discard(&self, key: ItemKey) -> Result<(), EngineError> {
        let number = key.outbox_key().ok_or(EngineError::NotFound)?;
        let update = TimelineUpdate::Diff { upserted: Vec::new(), removed: vec![key] };
        self.shared.cache.commit(|t| cache::discard(t, self.id, number), |()| self.state.screen.push(update))
    }

    /// Stops the job and lets go of the listener, for good.
    pub fn detach(&self) {
        self.feed.detach();
        self.state.screen.release(&self.feed);
        self.wanted.send_if_modified(Wanted::close);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.detach();
    }
}
