//! Between two polls of a room: waiting for what comes by itself.
//!
//! ```text
//!          ┌──────────────── poll (the job's own) ◀───────────────┐
//!          ▼                                                      │ ended, silent, suspect,
//!  the ladder's best ──▶ open, polling at the cadence meanwhile ──▶ follow ┤ another network,
//!          │                       │ cannot be had                │ a richer one to be had
//!          │                       └─ the next one down ──┐       │
//!          └── polling: wait for the cadence ◀────────────┴───────┘
//! ```
//!
//! # Invariants
//! * A poll comes before every stream and after it: a stream only ever has to bring what is new, and what it
//!   was about to bring when it died is found by its cursor.
//! * Nothing waits for a transport's sake. While one is being opened the room is polled as if there were none.
//! * What both a poll and a stream bring is stored once: each goes on from the one cursor.
//! * A wake-up (a push, one's own message sent) speaks of something that a stream that lives brings by itself.
//!   If it does not within a grace time, a poll looks; should that find something, and the stream not bring it
//!   within another, the stream is dead.

use super::fetch::Position;
use super::ladder::Ladder;
use super::room::RoomPoll;
use super::{ConnectionState, Failure, Poll, Rest};
use crate::Timings;
use crate::session::{AuthorizedError, Token};
use crate::transport::{Answer, ChangeStream, Fault, Follow, Retry, TransportError, TransportKind};
use chat_protocol::{Page, Seq};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// What an engine knows of the ways to its server.
pub(crate) struct Lines {
    ladder: Mutex<Ladder>,
    /// How often the network came back.
    network: watch::Sender<u64>,
    /// Streams that have ended otherwise than by our own wish.
    broken: AtomicU64,
}

impl Lines {
    pub(crate) fn new(ladder: Ladder) -> Self {
        Self { ladder: Mutex::new(ladder), network: watch::Sender::new(0), broken: AtomicU64::new(0) }
    }

    /// The network is back, or another one: streams on the old one are dead, and what was found out about it
    /// no longer holds.
    pub(crate) fn network_back(&self) {
        self.ladder().forget();
        self.network.send_modify(|n| *n += 1);
    }

    /// How many streams have broken so far.
    pub(crate) fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    fn ladder(&self) -> MutexGuard<'_, Ladder> {
        self.ladder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomPoll {
    /// Waits until the next poll is due, following the room meanwhile if that can be had.
    pub(crate) async fn follow(&self, position: &mut Position, rest: &mut Rest<'_>) -> Result<(), Failure> {
        let mut network = self.lines.network.subscribe();
        tokio::select! {
            biased;
            // What is open, or being opened, is on the old one.
            _ = network.changed() => {}
            followed = self.follow_here(position, rest) => return followed,
        }
        rest.cadence.stir(Instant::now());
        Ok(())
    }

    /// The same, on the network of now.
    async fn follow_here(&self, position: &mut Position, rest: &mut Rest<'_>) -> Result<(), Failure> {
        loop {
            let kind = self.lines.ladder().best(Instant::now());
            let follower = self.fetch.transport.follower(kind);
            let (Some(follower), Some(after)) = (follower, position.cursor()) else {
                self.live(TransportKind::Polling, rest);
                let climb = self.lines.ladder().climb(TransportKind::Polling);
                rest.pause(climb).await;
                return Ok(());
            };
            match self.open(kind, &*follower, after, position, rest).await? {
                Ok((stream, token)) => {
                    let ended = self.listen(kind, stream, position, rest).await?;
                    return match ended {
                        Some(Fault::Unauthorized) => Ok(self.fetch.turns.session().renew(&token).await?),
                        _ => Ok(()),
                    };
                }
                // The next one down.
                Err(AuthorizedError::Transport(error)) if refuses(&error) => {}
                // A poll finds out whether the server is there at all.
                Err(AuthorizedError::Transport(error)) if matches!(error.retry(), Retry::Later { .. }) => {
                    jitter(&self.fetch.config.timings).await;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Opens a stream; polls at the cadence meanwhile.
    async fn open(
        &self,
        kind: TransportKind,
        follower: &dyn Follow,
        after: Seq,
        position: &mut Position,
        rest: &mut Rest<'_>,
    ) -> Result<Result<(Box<dyn ChangeStream>, Token), AuthorizedError>, Failure> {
        let room = self.fetch.room;
        let open = |token: Token| async move { Ok((follower.follow(room, after, &token).await?, token)) };
        // In nobody's turn: what is held back by something in between holds back no other room.
        let mut opening = std::pin::pin!(async {
            let opened = self.fetch.turns.session().authorized(open).await;
            // At once: should the poll beside it fail, nobody hears how this ended.
            if let Err(AuthorizedError::Transport(error)) = &opened {
                self.not_had(kind, error);
            }
            opened
        });
        loop {
            tokio::select! {
                biased;
                opened = &mut opening => return Ok(opened),
                () = rest.pause(None) => {}
            }
            let mut looking = std::pin::pin!(self.look(position, rest));
            tokio::select! {
                looked = &mut looking => looked.map(|_| ())?,
                opened = &mut opening => {
                    looking.await?;
                    return Ok(opened);
                }
            }
        }
    }

    /// A poll beside a stream. Tells whether anything was new.
    async fn look(&self, position: &mut Position, rest: &mut Rest<'_>) -> Result<bool, Failure> {
        let mut news = false;
        loop {
            let outcome = self.poll(position).await?;
            news |= outcome.news;
            if !outcome.more {
                break;
            }
        }
        if news {
            rest.cadence.stir(Instant::now());
        }
        Ok(news)
    }

    /// Takes in what a stream brings until it ends, and tells by what fault, or until there is reason to end it.
    async fn listen(
        &self,
        kind: TransportKind,
        mut stream: Box<dyn ChangeStream>,
        position: &mut Position,
        rest: &mut Rest<'_>,
    ) -> Result<Option<Fault>, Failure> {
        let opened = Instant::now();
        let timings = &self.fetch.config.timings;
        let climb = self.lines.ladder().climb(kind);
        let mut proof = Some(opened + self.lines.ladder().proof());
        let mut heard = kind != TransportKind::LongPolling;
        // When the stream has to have brought what it owes, and whether a poll has found that it owes.
        let mut owed = None;
        let mut found = false;
        self.live(kind, rest);
        loop {
            tokio::select! {
                answer = stream.next() => match answer {
                    Ok(Answer::Nothing) => heard = true,
                    Ok(Answer::Page(page)) => {
                        (owed, found, heard) = (None, false, true);
                        if self.take_in(position, page, rest).await? {
                            return Ok(None); // the rest page by page
                        }
                    }
                    // A question that is held back is refused by its first answer, not at its opening.
                    Err(error) if !heard && refuses(&error) => {
                        self.not_had(kind, &error);
                        return Ok(None);
                    }
                    Err(error) => return self.broke(kind, opened, &error).await,
                },
                () = rest.wake.notified() => {
                    rest.cadence.stir(Instant::now());
                    owed.get_or_insert(Instant::now() + timings.stream_grace);
                }
                () = at(owed) => {
                    if found {
                        log::warn!("room {}: {kind:?} has gone silent", self.fetch.room);
                        self.lines.broken.fetch_add(1, Ordering::Relaxed);
                        self.lines.ladder().died(kind, opened.elapsed(), Instant::now());
                        return Ok(None);
                    }
                    // What was said this very moment is on its way still.
                    found = self.look(position, rest).await?;
                    owed = found.then(|| Instant::now() + timings.stream_grace);
                }
                () = at(proof) => {
                    proof = None;
                    self.lines.ladder().proved(kind);
                }
                () = at(climb) => return Ok(None),
            }
        }
    }

    /// Takes in what a stream has brought. Tells whether there is more, to be asked for.
    async fn take_in(
        &self,
        position: &mut Position,
        page: Page,
        rest: &mut Rest<'_>,
    ) -> Result<bool, Failure> {
        let outcome = self.fetch.take_in(position, page).await;
        if outcome.is_err() {
            self.fetch.caught_up(position);
        }
        let outcome = outcome?;
        if outcome.news {
            rest.cadence.stir(Instant::now());
        }
        Ok(outcome.more)
    }

    /// A stream could not be had.
    fn not_had(&self, kind: TransportKind, error: &TransportError) {
        log::warn!("room {}: {kind:?} cannot be had: {error}", self.fetch.room);
        let at_least = error.retry_after.unwrap_or_default();
        match refuses(error) {
            true => self.lines.ladder().refused(kind, at_least, Instant::now()),
            false => self.lines.ladder().died(kind, Duration::ZERO, Instant::now()),
        }
    }

    /// A stream ended by itself. The poll that follows finds out whether the server is there at all.
    async fn broke(
        &self,
        kind: TransportKind,
        opened: Instant,
        error: &TransportError,
    ) -> Result<Option<Fault>, Failure> {
        if let Retry::EndRoom(reason) = error.retry() {
            return Err(Failure::End(reason));
        }
        self.lines.broken.fetch_add(1, Ordering::Relaxed);
        match error.retry_after {
            Some(at_least) => self.lines.ladder().refused(kind, at_least, Instant::now()),
            None => self.lines.ladder().died(kind, opened.elapsed(), Instant::now()),
        }
        // That a token has run out is nobody's failure.
        if error.fault != Fault::Unauthorized {
            log::warn!("room {}: {kind:?} ended after {:?}: {error}", self.fetch.room, opened.elapsed());
            // A thousand phones lose the same server in the same instant.
            jitter(&self.fetch.config.timings).await;
        }
        Ok(Some(error.fault))
    }

    fn live(&self, kind: TransportKind, rest: &mut Rest<'_>) {
        if rest.live.replace(kind) != Some(kind) {
            self.tell(ConnectionState::Live { transport: kind });
        }
    }
}

/// Whether it is the transport that is refused, and not the network or the server that is away.
fn refuses(error: &TransportError) -> bool {
    match error.fault {
        // Open and silent: held back by something in between. Full: for a while.
        Fault::BadAnswer(_) | Fault::Refused { .. } | Fault::Timeout | Fault::RateLimited => true,
        Fault::Server { .. } => error.retry_after.is_some(),
        _ => false,
    }
}

/// Longer than the moment within which deaths count as one ([`Ladder::died`]).
async fn jitter(timings: &Timings) {
    sleep(timings.backoff_base.mul_f64(0.5 + fastrand::f64())).await;
}

/// Never, if there is no time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
