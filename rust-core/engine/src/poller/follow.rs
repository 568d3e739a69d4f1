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
use super::room::RoomPoll;
use super::{ConnectionState, Failure, JobError, Poll, Rest};
use crate::Timings;
use crate::session::{AuthorizedError, Token};
use crate::transport::{
    Answer, BadAnswer, ChangeStream, Fault, Follow, Retry, TransportError, TransportKind,
};
use chat_protocol::{Page, Seq};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// A stream that is open.
struct Stream {
    changes: Box<dyn ChangeStream>,
    /// What it was opened with.
    token: Token,
    opened: Instant,
}

/// What to do after a batch.
enum Next {
    Listen,
    /// There is more, to be had page by page.
    Poll,
    /// The stream tells what no poll knows.
    Break,
}

impl RoomPoll {
    /// Waits until the next poll is due, following the room meanwhile if that can be had.
    pub(crate) async fn follow(&self, position: &mut Position, rest: &mut Rest<'_>) -> Result<(), Failure> {
        let mut network = self.lines.network();
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
                Ok(stream) => return self.listen(kind, stream, position, rest).await,
                // The next one down.
                Err(AuthorizedError::Transport(error)) if refuses(&error) => {}
                // A poll finds out whether the server is there at all, and whether it takes the token: what stands
                // before a stream's route may refuse any.
                Err(AuthorizedError::Transport(error))
                    if matches!(error.retry(), Retry::Later { .. } | Retry::WithNewToken) =>
                {
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
    ) -> Result<Result<Stream, AuthorizedError>, Failure> {
        // In nobody's turn: what is held back by something in between holds back no other room.
        let mut opening = std::pin::pin!(async {
            let token = self.fetch.turns.session().current().await?;
            let opened = follower.follow(self.fetch.room, after, &token).await;
            // At once: should the poll beside it fail, nobody hears how this ended.
            opened
                .inspect_err(|error| self.not_had(kind, error))
                .map(|changes| Stream { changes, token, opened: Instant::now() })
                .map_err(Into::into)
        });
        // Should this take long, the room is polled as a lively one meanwhile.
        rest.cadence.stir(Instant::now());
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

    /// Takes in what a stream brings until it ends, or until there is reason to end it.
    async fn listen(
        &self,
        kind: TransportKind,
        mut stream: Stream,
        position: &mut Position,
        rest: &mut Rest<'_>,
    ) -> Result<(), Failure> {
        let timings = &self.fetch.config.timings;
        let climb = self.lines.ladder().climb(kind);
        let mut proof = Some(stream.opened + self.lines.ladder().proof());
        let mut heard = kind != TransportKind::LongPolling;
        // When a poll looks whether the stream owes something, not before a busy server has said so, and whether
        // one has found that it does.
        let mut check = stream.opened + timings.stream_check;
        let mut found = false;
        let mut not_before = stream.opened;
        self.live(kind, rest);
        loop {
            tokio::select! {
                answer = stream.changes.next() => match answer {
                    Ok(Answer::Nothing) => heard = true,
                    Ok(Answer::Page(page)) => {
                        (check, found, heard) = (Instant::now() + timings.stream_check, false, true);
                        match self.take_in(position, page, rest).await? {
                            Next::Listen => {}
                            Next::Poll => return Ok(()),
                            Next::Break => {
                                let wrong = BadAnswer::OutOfOrder.into();
                                return self.broke(kind, stream.opened, &stream.token, &wrong).await;
                            }
                        }
                    }
                    // A question that is held back is refused by its first answer, not at its opening.
                    Err(error) if !heard && refuses(&error) => {
                        self.not_had(kind, &error);
                        return Ok(());
                    }
                    Err(error) => return self.broke(kind, stream.opened, &stream.token, &error).await,
                },
                () = rest.wake.notified() => {
                    rest.cadence.stir(Instant::now());
                    check = check.min(not_before.max(Instant::now() + timings.stream_grace));
                }
                () = sleep_until(check) => {
                    if found {
                        log::warn!("room {}: {kind:?} has gone silent", self.fetch.room);
                        self.lines.broke();
                        self.lines.ladder().died(kind, stream.opened.elapsed(), Instant::now());
                        return Ok(());
                    }
                    let again;
                    (found, again) = match self.look(position, rest).await {
                        // What was said this very moment is on its way still.
                        Ok(true) => (true, timings.stream_grace),
                        Ok(false) => (false, timings.stream_check),
                        Err(Failure::Later { error, at_least }) if is_busy(&error) => {
                            log::warn!("room {}: beside {kind:?}: {error}", self.fetch.room);
                            let busy = at_least.max(timings.backoff_cap);
                            not_before = Instant::now() + busy;
                            (false, busy)
                        }
                        Err(failure) => return Err(failure),
                    };
                    check = Instant::now() + again;
                }
                () = at(proof) => {
                    proof = None;
                    self.lines.ladder().proved(kind);
                }
                () = at(climb) => return Ok(()),
            }
        }
    }

    /// Takes in what a stream has brought. Of a batch that leaves out a message, an edit on its way or a stream
    /// that is wrong, nothing: a poll has the answer.
    async fn take_in(
        &self,
        position: &mut Position,
        page: Page,
        rest: &mut Rest<'_>,
    ) -> Result<Next, Failure> {
        let reach = page.cursor;
        let outcome = self.fetch.take_in(position, page).await;
        if outcome.is_err() {
            self.fetch.caught_up(position);
        }
        let next = match outcome? {
            Some(outcome) => {
                if outcome.news {
                    rest.cadence.stir(Instant::now());
                }
                if outcome.more { Next::Poll } else { Next::Listen }
            }
            None if !self.look(position, rest).await? => Next::Break,
            // Where the poll has not got as far, the stream is opened anew.
            None if position.cursor() < Some(reach) => Next::Poll,
            None => Next::Listen,
        };
        Ok(next)
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
        token: &Token,
        error: &TransportError,
    ) -> Result<(), Failure> {
        if let Retry::EndRoom(reason) = error.retry() {
            return Err(Failure::End(reason));
        }
        let (lived, now) = (opened.elapsed(), Instant::now());
        let timings = &self.fetch.config.timings;
        self.lines.broke();
        if error.fault == Fault::Unauthorized {
            self.fetch.turns.session().renew(token).await?;
            // That a token has run out is nobody's failure, unless it does so at once, again and again.
            if lived > timings.answer_timeout {
                return Ok(());
            }
        }
        log::warn!("room {}: {kind:?} ended after {lived:?}: {error}", self.fetch.room);
        match error.retry_after {
            Some(at_least) => self.lines.ladder().refused(kind, at_least, now),
            None => self.lines.ladder().died(kind, lived, now),
        }
        // A thousand phones lose the same server in the same instant.
        jitter(timings).await;
        Ok(())
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

/// Whether a poll says that the server is there, and has no answer now: no reason to hang up a stream that lives.
fn is_busy(error: &JobError) -> bool {
    let busy = |fault| matches!(fault, Fault::Server { .. } | Fault::RateLimited | Fault::CursorAhead);
    error.fault().map_or(*error == JobError::TokenUnavailable, busy)
}

/// Longer than the moment within which deaths count as one (`Ladder::died`).
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
