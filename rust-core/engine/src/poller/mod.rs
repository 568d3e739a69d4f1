//! The job of a room: one actor that asks for changes while it is wanted.
//!
//! ```text
//!            start                       answered
//!  Stopped ────────▶ Connecting ───────────────────────▶ Live ◀─┐ answered
//!     ▲                  │   ▲                            │  └──┘
//!     │ stop             │   └── start (a new job)        │
//!     │ (from anywhere)  ▼            error               ▼
//!     └───────────── Waiting ◀────────────────────────────┘
//!                        │  session over, not a member, room gone
//!                        └──────────────▶ Ended (until start)
//! ```
//!
//! # Invariants
//! * `start` and `stop` state what is *wanted* (`Wanted`) and return; this one task converges on
//!   the last wish. There is no flag that could lag behind, so there are never two jobs.
//! * Polls are awaited: never two in flight. `stop` drops the one in flight, which cancels it.
//! * Only the end of the session or of the room ends the job by itself; any other error is waited
//!   out with full-jitter backoff.
//! * An answer is applied without a pause in between: a job is cancelled before or after a batch.
//! * A `204` touches neither cache nor listener: the cursor is held here between batches.

mod backoff;
mod pace;

pub use backoff::Backoff;
pub(crate) use pace::Pace;

use crate::cache::{self, Cache};
use crate::repository::{Feed, Screen};
use crate::session::{AuthorizedError, Session};
use crate::transport::{Answer, Fault, Retry, Transport, TransportError};
use crate::{EngineError, Timings};
use chat_protocol::{Page, RoomId, Seq, UserId};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// What a room's job is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// Started; no answer yet.
    Connecting,
    /// The last poll was answered.
    Live,
    /// The last poll was not; the job is alive and tries again.
    Waiting {
        /// What went wrong.
        error: JobError,
        /// How many tries in a row have failed.
        attempt: u32,
        /// When the next one comes.
        retry_in: Duration,
    },
    /// The job is over, until it is started again.
    Ended(EndReason),
}

/// What a waiting job waits out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The network or the server.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The app had no token to give.
    #[error("no token to be had now")]
    TokenUnavailable,
    /// The answer could not be stored, a full disk for one. It will be asked for again.
    #[error(transparent)]
    Storage(#[from] EngineError),
}

/// Why a job ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The server refused a fresh token. What is unsent stays in the outbox.
    SessionEnded,
    /// The user is not, or no longer, in the room.
    NotAMember,
    /// The room does not exist, or no longer.
    RoomNotFound,
}

/// What the room's owner wants. A new `job` number means "not the job of before": whatever that
/// had in flight is dropped, even when a stop and a start come too fast to be seen one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) running: bool,
    pub(crate) job: u64,
    pub(crate) closed: bool,
}

impl Wanted {
    /// A job, if none is wanted yet.
    pub(crate) fn start(&mut self) -> bool {
        let begins = !self.running && !self.closed;
        if begins {
            *self = Wanted { running: true, job: self.job + 1, closed: false };
        }
        begins
    }

    /// No job.
    pub(crate) fn stop(&mut self) -> bool {
        std::mem::replace(&mut self.running, false)
    }

    /// No job ever again.
    pub(crate) fn close(&mut self) -> bool {
        self.running = false;
        !std::mem::replace(&mut self.closed, true)
    }
}

/// A room's poller.
pub(crate) struct Poller {
    pub(crate) room: RoomId,
    pub(crate) me: UserId,
    pub(crate) wanted: watch::Sender<Wanted>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) session: Arc<Session>,
    pub(crate) cache: Arc<Cache>,
    /// Of the screen that wants this job: hears of the job.
    pub(crate) feed: Arc<Feed>,
    /// Hears of messages, whichever screen it is by then.
    pub(crate) screen: Screen,
    pub(crate) timings: Timings,
}

impl Poller {
    /// Follows what is wanted until that is the end.
    pub(crate) async fn run(&self) {
        let mut wishes = self.wanted.subscribe();
        // Of the room, not of one job: starting anew polls at once, and fails as patiently as before.
        let mut pace = Pace::new(&self.timings);
        loop {
            let wanted = *wishes.borrow_and_update();
            if wanted.closed {
                return;
            }
            if !wanted.running {
                if wishes.changed().await.is_err() {
                    return;
                }
                continue;
            }
            tokio::select! {
                biased;
                _ = wishes.wait_for(|now| *now != wanted) => {}
                reason = self.job(&mut pace) => self.end(wanted, reason),
            }
        }
    }

    /// The job ended by itself: nobody wants it any more, unless a new one has been asked for.
    fn end(&self, ended: Wanted, reason: EndReason) {
        self.wanted.send_if_modified(|now| {
            let over = *now == ended;
            if over {
                now.stop();
                self.feed.set_connection(ConnectionState::Ended(reason));
            }
            over
        });
    }

    /// Polls until the room or the session is over. Dropping it stops it.
    async fn job(&self, pace: &mut Pace) -> EndReason {
        self.feed.set_connection(ConnectionState::Connecting);
        pace.hold().await;
        let mut cursor = None;
        let mut live = false;
        loop {
            let pause = match self.poll(&mut cursor).await {
                Ok(more) => {
                    pace.succeeded();
                    if !std::mem::replace(&mut live, true) {
                        self.feed.set_connection(ConnectionState::Live);
                    }
                    if more {
                        continue; // drained before the next wait
                    }
                    self.timings.poll_interval
                }
                Err(Failure::End(reason)) => return reason,
                Err(Failure::Later { error, at_least }) => {
                    live = false;
                    let retry_in = pace.failed(at_least);
                    log::warn!("room {}: {error}; try {} in {retry_in:?}", self.room, pace.attempt() + 1);
                    let attempt = pace.attempt();
                    self.feed.set_connection(ConnectionState::Waiting { error, attempt, retry_in });
                    retry_in
                }
            };
            pace.pause(pause, &self.wake).await;
        }
    }

    /// Asks once, and stores what is new. Tells whether more waits at the server.
    async fn poll(&self, cursor: &mut Option<Seq>) -> Result<bool, Failure> {
        if cursor.is_none() {
            *cursor = self.cache.read(|c| cache::cursor(c, self.room))?;
        }
        let after = *cursor;
        let answer = self
            .session
            .authorized(|token| async move { self.transport.changes(self.room, after, &token).await });
        let Answer::Page(page) = answer.await? else { return Ok(false) };
        let now = page.cursor;
        // The newest page of a room is where it is begun; its `has_more` speaks of older messages.
        let more = after.is_some() && page.has_more;
        self.store(after, page)?;
        *cursor = Some(now);
        Ok(more)
    }

    fn store(&self, after: Option<Seq>, page: Page) -> Result<(), EngineError> {
        self.cache.commit(
            |t| match after {
                Some(_) => cache::apply_page(t, self.room, &self.me, page),
                None => cache::apply_first_page(t, self.room, &self.me, page),
            },
            |update| self.screen.push(update),
        )
    }
}

/// Why a poll brought nothing.
enum Failure {
    End(EndReason),
    Later { error: JobError, at_least: Duration },
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Failure::Later { error: error.into(), at_least: Duration::ZERO }
    }
}

impl From<AuthorizedError> for Failure {
    fn from(error: AuthorizedError) -> Self {
        match error {
            AuthorizedError::SessionEnded => Failure::End(EndReason::SessionEnded),
            AuthorizedError::TokenUnavailable => {
                Failure::Later { error: JobError::TokenUnavailable, at_least: Duration::ZERO }
            }
            AuthorizedError::Transport(error) => match error.retry() {
                Retry::EndRoom(reason) => Failure::End(reason),
                Retry::Later { at_least } => Failure::Later { error: error.into(), at_least },
                // A poll carries nothing of the user's that could be refused: the server is at fault.
                Retry::Never | Retry::WithNewToken => {
                    Failure::Later { error: error.into(), at_least: Duration::ZERO }
                }
            },
        }
    }
}

impl JobError {
    /// The fault, where it was the network or the server.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            JobError::Transport(error) => Some(error.fault),
            JobError::TokenUnavailable | JobError::Storage(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
