//! A job, of a room or of the list of rooms: one actor that asks for changes while it is wanted.
//!
//! ```text
//!            start                       answered
//!  Stopped ────────▶ Connecting ───────────────────────▶ Live ◀─┐ answered
//!     ▲                  │   ▲                            │  └──┘
//!     │ stop             │   └── start (a new job)        │
//!     │ (from anywhere)  ▼            error               ▼
//!     └───────────── Waiting ◀────────────────────────────┘
//!                        │  session over, not a member, room gone
//!                        └──────────────▶ Ended (until start; until a new session, if that was why)
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
//! * How soon the next poll comes is `Cadence`'s to say, or `Backoff`'s after an error.

mod backoff;
mod cadence;
mod fetch;
mod follow;
mod ladder;
mod lines;
mod pace;
mod room;
mod rooms;

pub use backoff::Backoff;
pub(crate) use cadence::Cadence;
pub(crate) use fetch::Fetch;
pub(crate) use ladder::Ladder;
pub(crate) use lines::Lines;
pub(crate) use pace::Pace;
pub(crate) use room::RoomPoll;
pub(crate) use rooms::RoomsPoll;

use crate::session::{AuthorizedError, Session};
use crate::transport::{Fault, Retry, TransportError, TransportKind};
use crate::{EngineError, Timings};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

/// What a room's job is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// Started; no answer yet.
    Connecting,
    /// The server answers; changes are heard of in this way.
    Live {
        /// The transport in use.
        transport: TransportKind,
    },
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

/// What the owner of a job wants. A new `job` number means "not the job of before": whatever that
/// had in flight is dropped, even when a stop and a start come too fast to be seen one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) running: bool,
    pub(crate) job: u64,
    pub(crate) closed: bool,
    /// The job is wanted, and over with its session.
    pub(crate) without_session: bool,
}

impl Wanted {
    /// A job, if none is wanted yet or the one that is has ended.
    pub(crate) fn start(&mut self) -> bool {
        let begins = !self.closed && (!self.running || self.without_session);
        if begins {
            *self = Wanted { running: true, job: self.job + 1, closed: false, without_session: false };
        }
        begins
    }

    /// No job.
    pub(crate) fn stop(&mut self) -> bool {
        self.without_session = false;
        std::mem::replace(&mut self.running, false)
    }

    /// No job ever again.
    pub(crate) fn close(&mut self) -> bool {
        self.running = false;
        !std::mem::replace(&mut self.closed, true)
    }
}

/// Who wants a job: nobody, or the one owner of the moment.
#[derive(Default)]
pub(crate) struct Ownership(Mutex<Option<watch::Sender<Wanted>>>);

impl Ownership {
    /// Gives the job to a new owner; what the one before wanted is over.
    pub(crate) fn hand_over(&self) -> watch::Sender<Wanted> {
        self.end();
        let wanted = watch::Sender::new(Wanted::default());
        *self.owner() = Some(wanted.clone());
        wanted
    }

    /// Takes the job from whoever owns it.
    pub(crate) fn end(&self) {
        if let Some(wanted) = self.owner().take() {
            wanted.send_if_modified(Wanted::close);
        }
    }

    /// Whether the job is wanted.
    pub(crate) fn is_running(&self) -> bool {
        self.owner().as_ref().is_some_and(|wanted| wanted.borrow().running)
    }

    fn owner(&self) -> MutexGuard<'_, Option<watch::Sender<Wanted>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a job polls.
pub(crate) trait Poll: Send + Sync + 'static {
    /// Where a job is; it begins at the default.
    type Position: Default + Send;

    /// Asks once, and stores what is new.
    fn poll(&self, position: &mut Self::Position) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// After a poll that found the end of the changes: waits until it is time for the next, and takes in
    /// what comes by itself meanwhile.
    fn rest(
        &self,
        _position: &mut Self::Position,
        rest: &mut Rest<'_>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        async {
            rest.pause(None).await;
            Ok(())
        }
    }

    /// Tells how the job stands.
    fn tell(&self, state: ConnectionState);
}

/// The time between two polls.
pub(crate) struct Rest<'a> {
    pub(crate) cadence: &'a mut Cadence,
    pub(crate) wake: &'a Notify,
    /// What the job was last said to be live by.
    pub(crate) live: &'a mut Option<TransportKind>,
}

impl Rest<'_> {
    /// Waits as long as the cadence says, or until something wakes the job, or until `end`.
    pub(crate) async fn pause(&mut self, end: Option<Instant>) {
        let over = Instant::now() + self.cadence.interval(Instant::now());
        tokio::select! {
            () = sleep_until(end.map_or(over, |end| end.min(over))) => {}
            () = self.wake.notified() => self.cadence.stir(Instant::now()),
        }
    }
}

/// What came of a poll.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// Whether more waits at the server.
    pub(crate) more: bool,
    /// Whether anything was new.
    pub(crate) news: bool,
    /// The server's wish for the interval.
    pub(crate) interval: Option<Duration>,
}

/// A job's actor.
pub(crate) struct Poller<P> {
    /// For the log: "room 7".
    pub(crate) name: String,
    pub(crate) poll: P,
    pub(crate) wanted: watch::Sender<Wanted>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) session: Arc<Session>,
    pub(crate) timings: Timings,
    pub(crate) cadence: fn(&Timings, Instant) -> Cadence,
}

impl<P: Poll> Poller<P> {
    /// Follows what is wanted until that is the end.
    pub(crate) async fn run(&self) {
        let mut wishes = self.wanted.subscribe();
        let mut resumed = self.session.resumed();
        // Of the room, not of one job: starting anew polls at once, and fails as patiently as before.
        let mut pace = Pace::new(&self.timings);
        let mut last_error = None;
        loop {
            let wanted = *wishes.borrow_and_update();
            if wanted.closed {
                return;
            }
            if !wanted.running || wanted.without_session {
                tokio::select! {
                    changed = wishes.changed() => if changed.is_err() { return },
                    changed = resumed.changed(), if wanted.without_session => {
                        if changed.is_err() {
                            return;
                        }
                        self.wanted.send_if_modified(|now| *now == wanted && now.start());
                    }
                }
                continue;
            }
            resumed.mark_unchanged();
            tokio::select! {
                biased;
                _ = wishes.wait_for(|now| *now != wanted) => {}
                reason = self.job(&mut pace, &mut last_error) => self.end(wanted, reason),
            }
        }
    }

    /// The job ended by itself: nobody wants it any more, unless a new one has been asked for. One that
    /// ended with its session is begun again with the next.
    fn end(&self, ended: Wanted, reason: EndReason) {
        self.wanted.send_if_modified(|now| {
            let over = *now == ended;
            if over {
                match reason {
                    EndReason::SessionEnded => now.without_session = true,
                    EndReason::NotAMember | EndReason::RoomNotFound => now.running = false,
                }
                self.poll.tell(ConnectionState::Ended(reason));
            }
            over
        });
    }

    /// Polls until the room or the session is over. Dropping it stops it.
    async fn job(&self, pace: &mut Pace, last_error: &mut Option<JobError>) -> EndReason {
        match (pace.held(), &last_error) {
            (Some(retry_in), Some(error)) => {
                let (error, attempt) = (error.clone(), pace.attempt());
                self.poll.tell(ConnectionState::Waiting { error, attempt, retry_in });
                pace.hold().await;
            }
            _ => self.poll.tell(ConnectionState::Connecting),
        }
        let mut position = P::Position::default();
        let mut cadence = (self.cadence)(&self.timings, Instant::now());
        let mut live = None;
        loop {
            Pace::forget(&self.wake).await;
            let rested = match self.poll.poll(&mut position).await {
                Ok(Outcome { more, news, interval }) => {
                    pace.succeeded();
                    if live.is_none() {
                        cadence.stir(Instant::now());
                        live = Some(TransportKind::Polling);
                        self.poll.tell(ConnectionState::Live { transport: TransportKind::Polling });
                    }
                    if more {
                        continue; // drained before the next wait
                    }
                    if news {
                        cadence.stir(Instant::now());
                    }
                    cadence.wish(interval);
                    let mut rest = Rest { cadence: &mut cadence, wake: &self.wake, live: &mut live };
                    self.poll.rest(&mut position, &mut rest).await
                }
                Err(failure) => Err(failure),
            };
            let (error, at_least) = match rested {
                Ok(()) => continue,
                Err(Failure::End(reason)) => return reason,
                Err(Failure::Later { error, at_least }) => (error, at_least),
            };
            let retry_in = pace.failed(at_least);
            log::warn!("{}: {error}; try {} in {retry_in:?}", self.name, pace.attempt() + 1);
            let attempt = pace.attempt();
            *last_error = Some(error.clone());
            // A replica that lags behind one's own message says so too, and has it in a moment.
            let lags = attempt == 1 && error.fault() == Some(Fault::CursorAhead);
            if !(lags && live.is_some()) {
                live = None;
                self.poll.tell(ConnectionState::Waiting { error, attempt, retry_in });
            }
            if pace.pause(retry_in, &self.wake).await {
                cadence.stir(Instant::now());
            }
        }
    }
}

/// Why a poll brought nothing.
pub(crate) enum Failure {
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
