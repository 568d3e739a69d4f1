//! One question to the server about a room, and what is done with the answer.

use super::{Failure, Outcome, Pace};
use crate::EngineConfig;
use crate::EngineError;
use crate::cache::{self, Cache};
use crate::repository::{Change, Screen};
use crate::session::Turns;
use crate::transport::{Answer, BadAnswer, Polled, Transport, TransportError};
use chat_protocol::limits::{DEFAULT_PAGE, MAX_PAGE};
use chat_protocol::{MessageId, Page, RoomId, Seq, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Fetches a room's changes and its history into the cache.
pub(crate) struct Fetch {
    pub(crate) room: RoomId,
    pub(crate) me: UserId,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) screen: Screen,
    /// The outbox's: a message came that something is wished for.
    pub(crate) work: Arc<Notify>,
    /// Of the room: how often its floor was raised.
    pub(crate) raised: Arc<AtomicU64>,
    pub(crate) config: Arc<EngineConfig>,
}

/// How often a push message is worth a try: some three minutes' worth, should the server be down.
const LOOK_IN_TRIES: u32 = 8;

/// Where a job is in its room.
#[derive(Debug, Default)]
pub(crate) struct Position {
    /// The cursor, held here between batches so that a `204` costs no look into the cache.
    cursor: Option<Seq>,
    /// Of the cache file that the cursor was read from.
    file: u64,
    /// Far behind: the newest messages are shown, the others are told when all are there.
    catching_up: bool,
    /// Whether what is more than is kept has been let go of, once a job.
    trimmed: bool,
}

impl Position {
    /// The last change seen, once there is one.
    pub(crate) fn cursor(&self) -> Option<Seq> {
        self.cursor
    }
}

impl Fetch {
    /// Asks once for changes, and stores what is new.
    pub(crate) async fn changes(&self, position: &mut Position) -> Result<Outcome, Failure> {
        self.find_cursor(position)?;
        let after = position.cursor;
        // Who has missed more than a page asks for full ones, so that missing much costs few round trips.
        let limit = if position.catching_up { MAX_PAGE } else { DEFAULT_PAGE };
        let Polled { answer, interval } = self
            .turns
            .authorized(|token| async move { self.transport.changes(self.room, after, limit, &token).await })
            .await?;
        match answer {
            Answer::Page(page) => self.take(position, after, page, interval).await,
            Answer::Nothing => {
                self.complete(position)?;
                Ok(Outcome { more: false, news: false, interval })
            }
        }
    }

    /// Takes in what came by itself after the cursor, as if it had been asked for. What a poll has brought
    /// meanwhile is passed over. `None` if it leaves out a message: nothing of it is taken then.
    pub(crate) async fn take_in(
        &self,
        position: &mut Position,
        mut page: Page,
    ) -> Result<Option<Outcome>, Failure> {
        self.find_cursor(position)?;
        // A new cache file: begun anew, by asking.
        let Some(cursor) = position.cursor else {
            return Ok(Some(Outcome { more: true, news: false, interval: None }));
        };
        if page.cursor <= cursor {
            return Ok(Some(Outcome { more: page.has_more, news: false, interval: None }));
        }
        page.messages.retain(|message| message.seq > cursor);
        // Something may drop a piece of a stream, or turn two around, and the cursor would pass over it for
        // good. Ids are dense, so it shows; but so does a message that was edited on its way, and comes later.
        let newest = self.cache.read(|c| cache::newest_id(c, self.room))?;
        match follows(newest, &page) {
            true => self.take(position, Some(cursor), page, None).await.map(Some),
            false => Ok(None),
        }
    }

    /// Stores a page that was asked for after `after`.
    async fn take(
        &self,
        position: &mut Position,
        after: Option<Seq>,
        page: Page,
        interval: Option<Duration>,
    ) -> Result<Outcome, Failure> {
        let news = !page.messages.is_empty();
        let Some(after) = after else {
            // The newest page of a room is where it is begun; its `has_more` speaks of older messages.
            self.store(true, |t| cache::apply_first_page(t, self.room, &self.me, page))?;
            // Not the page's: somebody else may have begun the room meanwhile, from an older one.
            position.cursor = self.cache.read(|c| cache::cursor(c, self.room))?;
            return Ok(Outcome { more: false, news, interval });
        };
        if page.has_more && !position.catching_up {
            position.catching_up = true;
            match self.take_newest(after).await {
                Ok(true) => {}
                Ok(false) => {
                    position.cursor = None; // to be read anew
                    self.caught_up(position);
                    return Ok(Outcome { more: true, news, interval });
                }
                Err(Failure::Later { error, at_least: Duration::ZERO }) => {
                    log::warn!("room {}: newest page: {error}", self.room);
                }
                Err(other) => return Err(other),
            }
        }
        let (cursor, more) = (page.cursor, page.has_more);
        let tell = !position.catching_up;
        self.store(tell, |t| cache::apply_page(t, self.room, &self.me, page, tell))?;
        position.cursor = Some(cursor);
        if !more {
            self.complete(position)?;
        }
        Ok(Outcome { more, news, interval })
    }

    /// Brings the room up to date once, on a few tries: what goes wrong is found out again, and told, by the job.
    pub(crate) async fn look_in(&self, pace: &mut Pace) {
        let mut position = Position::default();
        while pace.attempt() < LOOK_IN_TRIES {
            match self.changes(&mut position).await {
                Ok(Outcome { more: true, .. }) => {}
                Ok(_) | Err(Failure::End(_)) => break,
                Err(Failure::Later { at_least, .. }) => {
                    self.caught_up(&mut position); // it may be a while until the rest is there
                    tokio::time::sleep(pace.failed(at_least)).await;
                }
            }
        }
        self.caught_up(&mut position);
    }

    /// Nothing is missing from the floor up: the moment to let go of what is more than is kept.
    fn complete(&self, position: &mut Position) -> Result<(), EngineError> {
        self.caught_up(position);
        if std::mem::replace(&mut position.trimmed, true) {
            return Ok(());
        }
        if self.cache.commit(|t| cache::trim(t, self.room, &self.me, self.config.retention), |done| done)? {
            self.raised.fetch_add(1, Ordering::AcqRel);
            self.screen.refresh();
        }
        Ok(())
    }

    /// What was fetched so far is told, should it have been kept for the end.
    pub(crate) fn caught_up(&self, position: &mut Position) {
        if std::mem::take(&mut position.catching_up) {
            self.screen.refresh();
        }
    }

    /// Makes a room known that has not been looked at yet.
    pub(crate) async fn first_look(&self) -> Result<(), Failure> {
        self.changes(&mut Position::default()).await.map(|_| ())
    }

    /// Fetches the page of history before `before`. It counts only if it is no older than what is known of
    /// the messages in it: as changes come they are kept until the floor is raised, and a server's replica
    /// may lag behind the one that has told them.
    pub(crate) async fn older(&self, before: MessageId) -> Result<(), Failure> {
        let raised = self.raised.load(Ordering::Acquire);
        let known = self.cache.read(|c| cache::cursor(c, self.room))?;
        let page = self
            .turns
            .authorized(|token| async move { self.transport.older(self.room, before, &token).await })
            .await?;
        if known.is_some_and(|known| page.cursor < known) {
            let error = TransportError::from(BadAnswer::OutOfOrder).into();
            return Err(Failure::Later { error, at_least: Duration::ZERO });
        }
        self.store(true, |t| {
            if self.raised.load(Ordering::Acquire) != raised {
                return Ok(Change::default());
            }
            Ok(cache::apply_history(t, self.room, &self.me, before, page)?.unwrap_or_default())
        })?;
        Ok(())
    }

    fn find_cursor(&self, position: &mut Position) -> Result<(), EngineError> {
        let file = self.cache.file();
        if position.cursor.is_some() && position.file == file {
            return Ok(());
        }
        position.file = file;
        position.cursor = self.cache.read(|c| cache::cursor(c, self.room))?;
        Ok(())
    }

    /// More than a page was missed: has the newest messages shown first, while those between come page
    /// by page. When more changes were missed than messages are kept of a room at all, begins it anew.
    /// Tells whether the cursor is where it was; a push may have moved it, too, meanwhile.
    async fn take_newest(&self, after: Seq) -> Result<bool, Failure> {
        let newest = self
            .turns
            .authorized(
                |token| async move { self.transport.changes(self.room, None, DEFAULT_PAGE, &token).await },
            )
            .await?;
        let Answer::Page(page) = newest.answer else { return Ok(true) };
        let anew = page.cursor.get() - after.get() > self.config.retention;
        let stored = self.cache.commit(
            |t| {
                if cache::cursor(t, self.room)? != Some(after) {
                    return Ok(None);
                }
                if !anew {
                    return cache::apply_ahead(t, self.room, &self.me, page.messages).map(Some);
                }
                self.raised.fetch_add(1, Ordering::AcqRel);
                cache::begin_anew(t, self.room, &self.me, page).map(Some)
            },
            |change| {
                let stored = change.is_some();
                self.tell(change.unwrap_or_default());
                stored
            },
        )?;
        Ok(stored && !anew)
    }

    fn store(
        &self,
        tell: bool,
        change: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<Change, EngineError>,
    ) -> Result<(), EngineError> {
        self.cache.commit(change, |change| match tell {
            true => self.tell(change),
            false => {
                self.wake_outbox(&change);
                self.screen.touch();
            }
        })
    }

    fn tell(&self, change: Change) {
        self.wake_outbox(&change);
        self.screen.push(change);
    }

    fn wake_outbox(&self, change: &Change) {
        if change.wished {
            self.work.notify_one();
        }
    }
}

/// Whether no message is left out between the newest one known and those of a page.
fn follows(newest: i64, page: &Page) -> bool {
    let mut new: Vec<_> = page.messages.iter().map(|m| m.id.get()).filter(|id| *id > newest).collect();
    new.sort_unstable();
    new.iter().zip(newest + 1..).all(|(id, due)| *id == due)
}
