//! A room, as its screen holds it.

use crate::cache;
use crate::engine::Shared;
use crate::poller::{Fetch, Ownership, Pace, Wanted};
use crate::repository::{Change, Detach, Feed, History, ItemKey, LoadError, Loaded, Screen};
use crate::{EngineError, Timings};
use chat_protocol::{MessageId, MessageText, RoomId, Timestamp, TransactionId};
use rusqlite::Transaction;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{Notify, watch};

/// The part of a room that outlives its screen.
pub(crate) struct RoomState {
    pub(crate) screen: Screen,
    pub(crate) work: Arc<Notify>,
    pub(crate) wake: Arc<Notify>,
    /// Counts how often the floor was raised: what was known below it is forgotten then.
    pub(crate) raised: Arc<AtomicU64>,
    job: Ownership,
    looking_in: Arc<AtomicBool>,
}

/// Somebody looks into a room whose job does not run; nobody else does until this is dropped.
pub(crate) struct LookIn(Arc<AtomicBool>);

impl Drop for LookIn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl RoomState {
    pub(crate) fn new(screen: Screen) -> Self {
        let (work, wake, raised, job, looking_in) = Default::default();
        Self { screen, work, wake, raised, job, looking_in }
    }

    /// Whether the job runs.
    pub(crate) fn is_running(&self) -> bool {
        self.job.is_running()
    }

    /// Brings the room up to date once, for every wake-up that came until then. A wake-up while somebody
    /// looks in already is left to them, and found when they have let go: no order of the two loses it.
    pub(crate) async fn look_in(&self, fetch: &Fetch, timings: &Timings) {
        loop {
            let Some(alone) = self.look_in_alone() else { return };
            Pace::forget(&self.wake).await;
            fetch.look_in(&mut Pace::new(timings)).await;
            drop(alone);
            if !Pace::forget(&self.wake).await {
                return;
            }
            self.wake.notify_one(); // for whoever looks in now, if that is not us
        }
    }

    fn look_in_alone(&self) -> Option<LookIn> {
        let taken = self.looking_in.swap(true, Ordering::AcqRel);
        (!taken).then(|| LookIn(self.looking_in.clone()))
    }

    /// Gives the room to a new screen, with a job of its own.
    pub(crate) fn attach(&self, feed: Arc<Feed>) -> watch::Sender<Wanted> {
        self.screen.replace(Some(feed));
        self.job.hand_over()
    }

    /// Takes the room from the screen that has it.
    pub(crate) fn detach(&self) {
        self.screen.replace(None);
        self.job.end();
    }
}

/// A room on a screen. Every method may be called from any thread, in any order, any number of
/// times; none waits for the network. Dropping it stops the job and detaches the listener.
pub struct Room {
    pub(crate) id: RoomId,
    pub(crate) shared: Arc<Shared>,
    pub(crate) state: Arc<RoomState>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) history: Arc<History>,
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
    /// [`EngineError::Text`] for a text that may not be sent, [`EngineError::DiskFull`] or
    /// [`EngineError::Storage`] when it could not be stored, [`EngineError::Closed`]. Nothing is sent then.
    pub fn send(&self, text: &str) -> Result<ItemKey, EngineError> {
        let text = MessageText::new(text)?;
        let transaction = TransactionId::new(uuid::Uuid::new_v4().to_string())
            .map_err(|e| EngineError::Storage(e.to_string()))?;
        let (me, now) = (&self.shared.config.account.user, Timestamp::now());
        self.store(
            |t| cache::add(t, self.id, me, &text, &transaction, now),
            |item| {
                let key = item.key;
                self.state.screen.push(item.into());
                key
            },
        )
    }

    /// What was typed here and not sent, by whatever process; empty when nothing was. Touches the disk.
    ///
    /// # Errors
    /// [`EngineError::Storage`], [`EngineError::Closed`].
    pub fn draft(&self) -> Result<String, EngineError> {
        self.shared.cache.read(|c| cache::draft(c, self.id))
    }

    /// Keeps what stands in the text box, whatever it is; an empty text keeps nothing. A text that [`Room::send`]
    /// has stored is no draft any more, nor is the beginning of it. Touches the disk.
    ///
    /// # Errors
    /// [`EngineError::DiskFull`], [`EngineError::Storage`], [`EngineError::Closed`]: what was kept before still is.
    pub fn save_draft(&self, text: &str) -> Result<(), EngineError> {
        self.shared.cache.commit(|t| cache::save_draft(t, self.id, text), |()| ())
    }

    /// Has an own message say something else. Shows at once; on the server as soon as may be. One that is
    /// not on the server yet, or was refused, is sent with the new text instead. Touches the disk.
    ///
    /// # Errors
    /// As [`Room::send`]; [`EngineError::NotTheSender`]; [`EngineError::NotFound`] for what is not there or is deleted.
    pub fn edit(&self, key: ItemKey, text: &str) -> Result<(), EngineError> {
        let text = MessageText::new(text)?;
        let me = &self.shared.config.account.user;
        self.change(|t| cache::edit(t, self.id, me, key, &text))
    }

    /// Deletes an own message. Shows at once; one that is not on the server yet is just not sent. Touches the disk.
    ///
    /// # Errors
    /// As [`Room::edit`].
    pub fn delete(&self, key: ItemKey) -> Result<(), EngineError> {
        let me = &self.shared.config.account.user;
        self.change(|t| cache::delete(t, self.id, me, key))
    }

    /// Sends again what was refused: a message under the same transaction id, or the change of one.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] unless one with this key was refused; as [`Room::send`].
    pub fn retry(&self, key: ItemKey) -> Result<(), EngineError> {
        let me = &self.shared.config.account.user;
        self.change(|t| cache::retry(t, self.id, me, key))
    }

    /// Takes back what was refused or has certainly not been sent: a message, or the change of one, which
    /// then shows as it was.
    ///
    /// # Errors
    /// [`EngineError::TooLate`] when it may be on the server, [`EngineError::NotFound`] when there is nothing to take back.
    pub fn discard(&self, key: ItemKey) -> Result<(), EngineError> {
        let me = &self.shared.config.account.user;
        self.change(|t| cache::discard(t, self.id, me, key))
    }

    /// The user has read up to and including message `id`. The marker only moves forward, and not beyond
    /// what is cached; the server is told soon, once for many. Touches the disk.
    ///
    /// # Errors
    /// As [`Room::send`].
    pub fn mark_read(&self, id: MessageId) -> Result<(), EngineError> {
        let me = &self.shared.config.account.user;
        self.change(|t| {
            let reach = match cache::mark_read(t, self.id, me, id)? {
                true => cache::reach(t, self.id)?,
                false => None,
            };
            Ok(Change { reach, ..Change::default() })
        })
    }

    /// Has the next older messages put before those shown: out of the cache as long as it has them, then
    /// from the server. One flight at a time; asked meanwhile, it answers everybody. `answer` is called
    /// once, on an engine thread, after the listener has heard of the messages; it must not wait. Works
    /// while the job is stopped, too: the listener then hears of them with the next start.
    pub fn load_older(&self, answer: impl FnOnce(Result<Loaded, LoadError>) + Send + 'static) {
        self.history.load(&self.shared.handle, Box::new(answer));
    }

    fn change(
        &self,
        change: impl Fn(&Transaction<'_>) -> Result<Change, EngineError>,
    ) -> Result<(), EngineError> {
        self.store(change, |change| self.state.screen.push(change))
    }

    fn store<T, R>(
        &self,
        change: impl Fn(&Transaction<'_>) -> Result<T, EngineError>,
        announce: impl Fn(T) -> R,
    ) -> Result<R, EngineError> {
        let stored = match self.shared.cache.commit(&change, &announce) {
            // Replaced by now.
            Err(EngineError::CacheCorrupt) => self.shared.cache.commit(change, announce),
            other => other,
        }?;
        self.state.work.notify_one();
        Ok(stored)
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
