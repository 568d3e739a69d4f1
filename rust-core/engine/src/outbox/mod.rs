//! Sends what the user wrote: per room in order, on as many tries as it takes, each message once.
//! Then what the user changed of it, then how far the room is read.
//!
//! # Invariants
//! * A message is on disk before [`crate::Room::send`] returns; from then on only the server's
//!   refusal or the user takes it away. It survives the process, and is sent by the next one.
//! * Every try of a message carries the same transaction id, so a lost answer stores nothing twice.
//! * One try at a time per room, oldest first: what was written first is read first.
//! * A refused message is marked and passed over; it holds up no other. Neither does one that the server
//!   fails on again and again: then the one behind it is tried, and if that is taken, the first counts as
//!   refused. While the server takes nothing, nothing counts as refused.
//! * Failed tries are spaced by full-jitter backoff, and no try undercuts a `Retry-After`; both are on
//!   disk, so that starting the app again and again hammers no server.
//! * Of several changes of one message, the newest is sent. An answer to an older one settles nothing.
//! * The end of the session stops the sending and keeps the messages.
//!
//! Sending goes on when a room's polling stops: who leaves the screen right after "send" has sent.

use crate::cache::{self, Cache, Outgoing, OutgoingChange, Schedule, change};
use crate::poller::{EndReason, Pace};
use crate::repository::{Change, DeliveryState, FailureReason, Screen};
use crate::session::{AuthorizedError, Session, Turns};
use crate::transport::{Fault, Retry, Transport, TransportError};
use crate::{EngineError, Timings};
use chat_protocol::{ErrorCode, MessageId, RoomId, Timestamp, UserId};
use rusqlite::Transaction;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

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
    /// Apart from those of polls: nobody's message waits behind somebody's poll.
    pub(crate) turns: Arc<Turns>,
    pub(crate) timings: Timings,
}

/// Once the server has failed on a message this often, the one behind it is tried. 8: some two minutes of
/// backoff, more than a server needs to be deployed anew.
const POISONED: u32 = 8;

/// What a worker keeps from one step to the next.
struct Memory {
    pace: Pace,
    /// When the server is to be told how far the room is read.
    tell_read_at: Option<Instant>,
    /// The message that the server fails on, and how often it has.
    failing: Option<(i64, u32)>,
}

impl Memory {
    /// The message that the server has failed on so often that the one behind it is to be tried.
    fn poisoned(&self) -> Option<i64> {
        self.failing.filter(|(_, times)| *times >= POISONED).map(|(key, _)| key)
    }
}

impl Outbox {
    /// Sends whatever there is to send, for ever.
    pub(crate) async fn run(&self) {
        let mut resumed = self.session.resumed();
        let mut memory = Memory { pace: Pace::new(&self.timings), tell_read_at: None, failing: None };
        self.take_up(&mut memory.pace).await;
        loop {
            resumed.mark_unchanged();
            Pace::forget(&self.work).await;
            let pause = match self.step(&mut memory).await {
                Ok(Progress::Made) => {
                    memory.pace.succeeded();
                    continue;
                }
                Ok(Progress::Refused) => continue,
                Ok(Progress::Empty) => {
                    self.work.notified().await;
                    continue;
                }
                Ok(Progress::NotBefore(then)) => {
                    tokio::select! {
                        () = sleep_until(then) => {}
                        () = self.work.notified() => {}
                    }
                    continue;
                }
                Ok(Progress::SessionEnded) => {
                    if resumed.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(Progress::Later(pause)) => pause,
                Err(EngineError::Closed) => return,
                Err(error) => {
                    log::error!("room {}: outbox: {error}", self.room);
                    memory.pace.failed(Duration::ZERO)
                }
            };
            memory.pace.pause(pause, &self.work).await;
        }
    }

    /// Goes on where the process of before has stopped.
    async fn take_up(&self, pace: &mut Pace) {
        let found = self.cache.read(|c| {
            Ok(match cache::next(c, self.room, 0)? {
                Some(outgoing) => Some(outgoing.schedule),
                None => change::next(c, self.room)?.map(|change| change.schedule),
            })
        });
        let Ok(Some(schedule)) = found else { return };
        // By the wall clock, which may have been set meanwhile: never longer than a wait of ours can be.
        let wait = |until: i64, most: Duration| {
            let left = until.saturating_sub(Timestamp::now().as_millis());
            Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(most)
        };
        let not_before = wait(schedule.not_before, TransportError::RETRY_AFTER_CAP);
        pace.restore(schedule.attempts, not_before);
        let pause = wait(schedule.next_try_at, self.timings.backoff_cap).max(not_before);
        if !pause.is_zero() {
            pace.pause(pause, &self.work).await;
        }
    }

    /// Does the next thing there is to do.
    async fn step(&self, memory: &mut Memory) -> Result<Progress, EngineError> {
        if let Some(outgoing) = self.take_message(memory)? {
            return self.send(outgoing, memory).await;
        }
        if let Some(outgoing) = self.take_change()? {
            return self.send_change(outgoing, &mut memory.pace).await;
        }
        let Some(marker) = self.cache.read(|c| cache::unsent_marker(c, self.room))? else {
            memory.tell_read_at = None;
            return Ok(Progress::Empty);
        };
        let due = *memory.tell_read_at.get_or_insert_with(|| Instant::now() + self.timings.read_delay);
        if Instant::now() < due {
            return Ok(Progress::NotBefore(due));
        }
        let progress = self.send_marker(marker, &mut memory.pace).await;
        if matches!(progress, Ok(Progress::Made)) {
            memory.tell_read_at = None;
        }
        progress
    }

    /// The next message, marked as on its way in the transaction that reads it: from here on an edit no
    /// longer changes what is sent, but is wished for after it.
    fn take_message(&self, memory: &Memory) -> Result<Option<Outgoing>, EngineError> {
        let poisoned = memory.poisoned();
        let take = |t: &Transaction<'_>| {
            let behind = poisoned.map(|key| cache::next(t, self.room, key)).transpose()?.flatten();
            let next = match behind {
                Some(probe) => Some(probe),
                None => cache::next(t, self.room, 0)?,
            };
            let Some(outgoing) = next else { return Ok(None) };
            let item = cache::mark_sending(t, outgoing.local_key, &self.me)?;
            Ok(Some((outgoing, item)))
        };
        self.cache.commit(take, |taken| {
            let (outgoing, item) = taken?;
            self.screen.push(item.into());
            Some(outgoing)
        })
    }

    fn take_change(&self) -> Result<Option<OutgoingChange>, EngineError> {
        let take = |t: &Transaction<'_>| {
            let outgoing = change::next(t, self.room)?;
            outgoing.iter().try_for_each(|outgoing| change::mark_sending(t, outgoing))?;
            Ok(outgoing)
        };
        self.cache.commit(take, |outgoing| outgoing)
    }

    async fn send(&self, outgoing: Outgoing, memory: &mut Memory) -> Result<Progress, EngineError> {
        let Outgoing { local_key: key, transaction, text, may_have_arrived, .. } = &outgoing;
        let answer = self
            .turns
            .authorized(
                |token| async move { self.transport.send(self.room, transaction, text, &token).await },
            )
            .await;
        let arrived = |error: Option<&TransportError>| *may_have_arrived || error.is_some_and(may_arrive);
        let wait = |schedule: Schedule, arrived| {
            self.announce(|t| cache::mark_pending(t, *key, &self.me, arrived, schedule))
        };
        let gone = |result: Result<(), EngineError>, progress| match result {
            // Polling brought it: the answer was lost, not the message.
            Err(EngineError::NotFound) => Ok(Progress::Made),
            other => other.map(|()| progress),
        };
        match answer.map_err(Trouble::from) {
            Ok(message) => {
                let sent = |t: &Transaction<'_>| cache::mark_sent(t, self.room, *key, &self.me, message.id);
                let awaited = self.cache.commit(sent, |change| {
                    let awaited = change.upserted.iter().any(|item| item.state == DeliveryState::Sent);
                    self.screen.push(change);
                    awaited
                })?;
                // Unless the room has brought it already, as a socket does.
                if awaited {
                    self.sent.notify_one();
                }
                let poisoned = memory.poisoned().filter(|poisoned| poisoned != key);
                memory.failing = None;
                if let Some(poisoned) = poisoned {
                    log::warn!("room {}: the server fails on a message, and takes the next", self.room);
                    let refused = FailureReason::Refused;
                    let failed = self.announce(|t| cache::mark_failed(t, poisoned, &self.me, true, refused));
                    return gone(failed, Progress::Made);
                }
                Ok(Progress::Made)
            }
            Err(Trouble::SessionEnded) => {
                gone(wait(outgoing.schedule, arrived(None)), Progress::SessionEnded)
            }
            Err(Trouble::Later { error, at_least }) => {
                let choked = error.as_ref().is_some_and(chokes);
                memory.failing = match memory.failing {
                    Some((failing, times)) if failing == *key => Some((failing, times + u32::from(choked))),
                    // The one behind it fares no better: it is the server, and the first has its turn again.
                    Some((failing, POISONED..)) => Some((failing, 0)),
                    _ => choked.then_some((*key, 1)),
                };
                let (pause, schedule) = postpone(&mut memory.pace, at_least);
                gone(wait(schedule, arrived(error.as_ref())), Progress::Later(pause))
            }
            Err(Trouble::Refused { reason, code }) => {
                log::warn!("room {}: a message was refused: {}", self.room, code.as_str());
                let arrived = *may_have_arrived || code == ErrorCode::IdempotencyKeyReused;
                let failed = self.announce(|t| cache::mark_failed(t, *key, &self.me, arrived, reason));
                gone(failed, Progress::Refused)
            }
        }
    }

    async fn send_change(&self, outgoing: OutgoingChange, pace: &mut Pace) -> Result<Progress, EngineError> {
        let (room, id, text) = (self.room, outgoing.message, &outgoing.text);
        let answer = self
            .turns
            .authorized(|token| async move {
                match text {
                    Some(text) => self.transport.edit(room, id, text, &token).await,
                    None => self.transport.delete(room, id, &token).await,
                }
            })
            .await;
        match answer.map_err(Trouble::from) {
            Ok(message) => {
                self.announce(|t| change::confirm(t, room, &self.me, &outgoing, message))?;
                Ok(Progress::Made)
            }
            Err(Trouble::SessionEnded) => {
                let (arrived, schedule) = (outgoing.may_have_arrived, outgoing.schedule);
                self.cache.commit(|t| change::mark_pending(t, &outgoing, arrived, schedule), |()| {})?;
                Ok(Progress::SessionEnded)
            }
            Err(Trouble::Later { error, at_least }) => {
                let (pause, schedule) = postpone(pace, at_least);
                let arrived = outgoing.may_have_arrived || error.as_ref().is_some_and(may_arrive);
                self.cache.commit(|t| change::mark_pending(t, &outgoing, arrived, schedule), |()| {})?;
                Ok(Progress::Later(pause))
            }
            Err(Trouble::Refused { reason, code }) => {
                log::warn!("room {room}: a change was refused: {}", code.as_str());
                // Of a message that is no more there is nothing to change, and nothing to complain about.
                let gone = matches!(code, ErrorCode::MessageDeleted | ErrorCode::MessageNotFound);
                let reason = (!gone).then_some(reason);
                self.announce(|t| change::refuse(t, room, &self.me, &outgoing, reason))?;
                Ok(Progress::Refused)
            }
        }
    }

    async fn send_marker(&self, marker: MessageId, pace: &mut Pace) -> Result<Progress, EngineError> {
        let answer = self
            .turns
            .authorized(|token| async move { self.transport.mark_read(self.room, marker, &token).await })
            .await;
        let on_server = match answer.map_err(Trouble::from) {
            Ok(told) => told.id.max(marker),
            // Asked again it would be refused again; the next marker may be taken.
            Err(Trouble::Refused { code, .. }) => {
                log::warn!("room {}: the read marker was refused: {}", self.room, code.as_str());
                marker
            }
            Err(Trouble::SessionEnded) => return Ok(Progress::SessionEnded),
            Err(Trouble::Later { at_least, .. }) => return Ok(Progress::Later(pace.failed(at_least))),
        };
        self.announce(|t| {
            cache::marker_on_server(t, self.room, &self.me, on_server.get())?;
            Ok(Change { reach: cache::reach(t, self.room)?, ..Change::default() })
        })?;
        Ok(Progress::Made)
    }

    fn announce(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<Change, EngineError>,
    ) -> Result<(), EngineError> {
        self.cache.commit(change, |change| self.screen.push(change))
    }
}

/// How a look into the outbox ended.
enum Progress {
    /// The server took something; look again.
    Made,
    /// The server will not take something; look again.
    Refused,
    /// Nothing to send.
    Empty,
    /// Nothing to send before then.
    NotBefore(Instant),
    /// Not now; after this long.
    Later(Duration),
    /// Not before somebody logs in again.
    SessionEnded,
}

/// Why the server has not taken something.
enum Trouble {
    SessionEnded,
    Later { error: Option<TransportError>, at_least: Duration },
    Refused { reason: FailureReason, code: ErrorCode },
}

impl From<AuthorizedError> for Trouble {
    fn from(error: AuthorizedError) -> Self {
        let error = match error {
            AuthorizedError::SessionEnded => return Trouble::SessionEnded,
            AuthorizedError::TokenUnavailable => {
                return Trouble::Later { error: None, at_least: Duration::ZERO };
            }
            AuthorizedError::Transport(error) => error,
        };
        let code = match error.fault {
            Fault::Refused { code, .. } => code,
            _ => ErrorCode::Unknown,
        };
        match error.retry() {
            Retry::Later { at_least } => Trouble::Later { error: Some(error), at_least },
            Retry::EndRoom(EndReason::NotAMember) => {
                Trouble::Refused { reason: FailureReason::NotAMember, code: ErrorCode::NotAMember }
            }
            Retry::EndRoom(EndReason::RoomNotFound) => {
                Trouble::Refused { reason: FailureReason::RoomNotFound, code: ErrorCode::RoomNotFound }
            }
            Retry::EndRoom(EndReason::SessionEnded) | Retry::Never | Retry::WithNewToken => {
                Trouble::Refused { reason: FailureReason::Refused, code }
            }
        }
    }
}

/// Whether the server may have done what it was asked, without our hearing of it.
fn may_arrive(error: &TransportError) -> bool {
    !matches!(error.fault, Fault::Offline | Fault::Tls | Fault::RateLimited)
}

/// Whether the server has looked at what it was sent, and failed; not one that says it is not there.
fn chokes(error: &TransportError) -> bool {
    let absent = matches!(error.fault, Fault::Server { status: 502..=504 }) || error.retry_after.is_some();
    !absent && matches!(error.fault, Fault::Server { .. } | Fault::BadAnswer(_))
}

/// Another failure: how long to wait, and that in writing.
fn postpone(pace: &mut Pace, at_least: Duration) -> (Duration, Schedule) {
    let pause = pace.failed(at_least);
    let now = Timestamp::now().as_millis();
    let after = |wait: Duration| now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    let not_before = if at_least.is_zero() { 0 } else { after(at_least) };
    (pause, Schedule { attempts: pace.attempt(), next_try_at: after(pause), not_before })
}
