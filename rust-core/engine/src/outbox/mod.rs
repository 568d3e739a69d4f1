//! Sends what the user wrote: per room in order, on as many tries as it takes, each message once.
//!
//! # Invariants
//! * A message is on disk before [`crate::Room::send`] returns; from then on only the server's
//!   refusal or the user takes it away. It survives the process, and is sent by the next one.
//! * Every try of a message carries the same transaction id, so a lost answer stores nothing twice.
//! * One try at a time per room, oldest first: what was written first is read first.
//! * A refused message is marked and passed over; it holds up no other.
//! * The end of the session stops the sending and keeps the messages.
//!
//! Sending goes on when a room's polling stops: who leaves the screen right after "send" has sent.

use crate::cache::{self, Cache, Outgoing};
use crate::poller::{EndReason, Pace};
use crate::repository::{FailureReason, Screen, TimelineItem, TimelineUpdate};
use crate::session::{AuthorizedError, Session};
use crate::transport::{Retry, Transport};
use crate::{EngineError, Timings};
use chat_protocol::{Message, RoomId, UserId};
use rusqlite::Transaction;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A room's outbox worker.
pub(crate) struct Outbox {
    pub(crate) room: RoomId,
    pub(crate) me: UserId,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) session: Arc<Session>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) screen: Screen,
    /// Something was written, or the network may be back.
    pub(crate) work: Arc<Notify>,
    /// The poller's: a message that was sent is fetched at once.
    pub(crate) sent: Arc<Notify>,
    pub(crate) timings: Timings,
}

impl Outbox {
    /// Sends whatever there is to send, for ever.
    pub(crate) async fn run(&self) {
        let mut pace = Pace::new(&self.timings);
        let mut resumed = self.session.resumed();
        loop {
            let pause = match self.send_next().await {
                Ok(Progress::Sent) => {
                    pace.succeeded();
                    continue;
                }
                Ok(Progress::Empty) => {
                    self.work.notified().await;
                    continue;
                }
                Ok(Progress::SessionEnded) => {
                    if resumed.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(Progress::Later(at_least)) => pace.failed(at_least),
                Err(EngineError::Closed) => return,
                Err(error) => {
                    log::error!("room {}: outbox: {error}", self.room);
                    pace.failed(Duration::ZERO)
                }
            };
            pace.pause(pause, &self.work).await;
        }
    }

    async fn send_next(&self) -> Result<Progress, EngineError> {
        let Some(outgoing) = self.cache.read(|c| cache::next(c, self.room))? else {
            return Ok(Progress::Empty);
        };
        let Outgoing { local_key: key, transaction, text } = &outgoing;
        match self.mark(|t| cache::mark_sending(t, *key, &self.me)) {
            Err(EngineError::NotFound) => return Ok(Progress::Sent), // polling has just settled it
            other => other?,
        }
        let answer = self
            .session
            .authorized(
                |token| async move { self.transport.send(self.room, transaction, text, &token).await },
            )
            .await;
        match answer {
            Ok(message) => self.sent(*key, &message),
            Err(AuthorizedError::SessionEnded) => self.back_to_pending(*key, Progress::SessionEnded),
            Err(AuthorizedError::TokenUnavailable) => {
                self.back_to_pending(*key, Progress::Later(Duration::ZERO))
            }
            Err(AuthorizedError::Transport(error)) => match error.retry() {
                Retry::Later { at_least } => self.back_to_pending(*key, Progress::Later(at_least)),
                Retry::EndRoom(reason) => self.failed(*key, failure(reason)),
                Retry::Never | Retry::WithNewToken => {
                    log::warn!("room {}: a message was {}", self.room, error.fault);
                    self.failed(*key, FailureReason::Refused)
                }
            },
        }
    }

    fn sent(&self, key: i64, message: &Message) -> Result<Progress, EngineError> {
        self.announce(|t| cache::mark_sent(t, self.room, key, &self.me, message.id))?;
        self.sent.notify_one();
        Ok(Progress::Sent)
    }

    fn back_to_pending(&self, key: i64, progress: Progress) -> Result<Progress, EngineError> {
        match self.mark(|t| cache::mark_pending(t, key, &self.me)) {
            Err(EngineError::NotFound) => Ok(Progress::Sent), // polling brought it: the answer was lost, not the message
            other => other.map(|()| progress),
        }
    }

    fn failed(&self, key: i64, reason: FailureReason) -> Result<Progress, EngineError> {
        match self.mark(|t| cache::mark_failed(t, key, &self.me, reason)) {
            Err(EngineError::NotFound) => {}
            other => other?,
        }
        Ok(Progress::Sent)
    }

    fn mark(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<TimelineItem, EngineError>,
    ) -> Result<(), EngineError> {
        self.announce(|t| change(t).map(TimelineUpdate::from))
    }

    fn announce(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<TimelineUpdate, EngineError>,
    ) -> Result<(), EngineError> {
        self.cache.commit(change, |update| self.screen.push(update))
    }
}

/// How a look into the outbox ended.
enum Progress {
    /// One message is out of the way; look again.
    Sent,
    /// Nothing to send.
    Empty,
    /// Not now; not before this long.
    Later(Duration),
    /// Not before somebody logs in again.
    SessionEnded,
}

fn failure(reason: EndReason) -> FailureReason {
    match reason {
        EndReason::NotAMember => FailureReason::NotAMember,
        EndReason::RoomNotFound => FailureReason::RoomNotFound,
        EndReason::SessionEnded => FailureReason::Refused,
    }
}
