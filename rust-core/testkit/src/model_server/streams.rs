//! What carries the room's changes by themselves: the three ways to follow it, with a life that goes wrong
//! on cue. Whatever a stream says is what the real transports would pass on.

use super::ModelServer;
use super::room::State;
use async_trait::async_trait;
use chat_engine::Token;
use chat_engine::transport::{Answer, ChangeStream, Fault, Follow, TransportError, TransportKind};
use chat_protocol::{Page, RoomId, Seq};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// What happens to one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamMishap {
    /// So long it takes to begin, or to be refused.
    pub slow: Duration,
    /// How it begins.
    pub begins: Begins,
    /// So late it tells everything.
    pub lag: Duration,
    /// How many batches it tells before its fate is met.
    pub batches: u8,
    /// How it goes on then.
    pub fate: Fate,
}

/// How a stream begins. A long poll begins without a word: its first question meets this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// As it should.
    Well,
    /// Something in between keeps its words back until nobody waits for them any more.
    Withheld,
    /// Not at all.
    Refused(Fault, Option<Duration>),
}

/// What becomes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Well,
    /// It ends right after a batch, or before the first.
    Ends(Fault, Option<Duration>),
    /// It ends when it should tell of something.
    Loses(Fault),
    /// Half-open: no word, and no end until the device gives up.
    Silent,
    /// It tells its last batch once more.
    Repeats,
}

impl StreamMishap {
    /// None.
    pub const NONE: Self = Self {
        slow: Duration::ZERO,
        begins: Begins::Well,
        lag: Duration::ZERO,
        batches: 0,
        fate: Fate::Well,
    };
}

/// All streams of a server.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) plans: HashMap<TransportKind, VecDeque<StreamMishap>>,
    /// Counts the changes, for those who wait for one.
    pub(super) news: watch::Sender<u64>,
    /// Those that are open, or about to be, by their numbers.
    pub(super) open: BTreeSet<u64>,
    pub(super) begun: u64,
    /// What the server has asked for with its refusals.
    pub(super) not_before: HashMap<TransportKind, Instant>,
    /// Tokens that are no longer good, as a stream was told.
    expired: HashSet<String>,
    pub(super) rude: Option<String>,
    healed: u64,
}

impl Streams {
    /// Whatever has not befallen a stream yet will not.
    pub(super) fn heal(&mut self) {
        self.plans.clear();
        self.healed += 1;
        self.news.send_modify(|n| *n += 1); // what was to come late comes now
    }

    /// A stream that was open is ended. Of one that is not, a poll decides whether the token is good.
    fn end(
        &mut self,
        kind: TransportKind,
        token: &Token,
        fault: Fault,
        retry_after: Option<Duration>,
    ) -> TransportError {
        if fault == Fault::Unauthorized {
            self.expired.insert(token.secret().to_owned());
        }
        self.refuse(kind, fault, retry_after)
    }

    fn refuse(&mut self, kind: TransportKind, fault: Fault, retry_after: Option<Duration>) -> TransportError {
        if let Some(after) = retry_after {
            self.not_before.insert(kind, Instant::now() + after);
        }
        TransportError { fault, retry_after }
    }
}

/// One way to follow rooms.
pub(super) struct Way {
    pub(super) server: Arc<ModelServer>,
    pub(super) kind: TransportKind,
}

/// A stream that is open, or about to be; counted until it is dropped.
struct Open {
    server: Arc<ModelServer>,
    number: u64,
    token: Token,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.server.state().streams.open.remove(&self.number);
    }
}

impl Way {
    fn begin(&self, token: &Token) -> (StreamMishap, u64, Open) {
        let streams = &mut self.server.state().streams;
        streams.begun += 1;
        streams.open.insert(streams.begun);
        if streams.not_before.get(&self.kind).is_some_and(|at| *at > Instant::now()) {
            streams.rude.get_or_insert(format!("{:?} was asked for before its time", self.kind));
        }
        if streams.expired.contains(token.secret()) {
            streams
                .rude
                .get_or_insert(format!("{:?} was asked for with a token that has expired", self.kind));
        }
        let mishap = streams.plans.get_mut(&self.kind).and_then(VecDeque::pop_front);
        let open = Open { server: self.server.clone(), number: streams.begun, token: token.clone() };
        (mishap.unwrap_or(StreamMishap::NONE), streams.healed, open)
    }
}

#[async_trait]
impl Follow for Way {
    async fn follow(
        &self,
        _: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<Box<dyn ChangeStream>, TransportError> {
        let (mut mishap, healed, open) = self.begin(token);
        let (server, kind) = (&self.server, self.kind);
        let held = kind == TransportKind::LongPolling;
        tokio::task::yield_now().await;
        if !held && !mishap.slow.is_zero() {
            sleep(mishap.slow).await;
        }
        match mishap.begins {
            Begins::Well => {}
            Begins::Withheld if held => (mishap.batches, mishap.fate) = (0, Fate::Silent),
            Begins::Withheld => {
                sleep(server.timings.answer_timeout).await;
                return Err(TransportError::new(Fault::Timeout));
            }
            Begins::Refused(fault, after) if held => {
                (mishap.batches, mishap.fate) = (0, Fate::Ends(fault, after));
            }
            Begins::Refused(fault, after) => {
                return Err(server.state().streams.refuse(kind, fault, after));
            }
        }
        let state = server.state();
        if after.get() > state.now() as i64 {
            return Err(TransportError::new(Fault::CursorAhead));
        }
        let now = Instant::now();
        Ok(Box::new(Stream {
            kind,
            begins: if held { now + mishap.slow } else { now },
            mishap,
            after,
            begun: state.now(),
            told: 0,
            last: None,
            greeted: kind != TransportKind::WebSocket,
            heard: now,
            healed,
            silent: false,
            open,
        }))
    }
}

struct Stream {
    kind: TransportKind,
    /// No word before.
    begins: Instant,
    mishap: StreamMishap,
    /// What it has told.
    after: Seq,
    /// Changes made before it was opened: those are told as they stand, later ones as they are made.
    begun: usize,
    /// Batches.
    told: u8,
    last: Option<Page>,
    /// A socket's first words come also when there is nothing to say.
    greeted: bool,
    /// When it told something last, or was asked; a long poll's question is out since then.
    heard: Instant,
    healed: u64,
    /// Whether it has gone silent: for good, and whoever heals.
    silent: bool,
    open: Open,
}

impl Stream {
    /// What it has to say now, or when it will, at the latest.
    fn step(&mut self) -> Result<Result<Answer, TransportError>, Instant> {
        let server = self.open.server.clone();
        let (timings, now) = (&server.timings, Instant::now());
        let mut state = server.state();
        state.arrive(&server.me);
        if self.begins > now {
            return Err(self.begins);
        }
        let well = self.healed != state.streams.healed;
        if well {
            self.mishap.lag = Duration::ZERO;
        }
        let due = !well && self.told >= self.mishap.batches;
        let fate = if due || self.silent { self.mishap.fate } else { Fate::Well };
        let held = self.kind == TransportKind::LongPolling;
        match fate {
            Fate::Ends(fault, after) => {
                return Ok(Err(state.streams.end(self.kind, &self.open.token, fault, after)));
            }
            Fate::Silent => {
                self.silent = true;
                let patience = match held {
                    true => timings.long_poll + timings.answer_timeout,
                    false => timings.stream_silence,
                };
                return match self.heard + patience {
                    over if over <= now => Ok(Err(TransportError::new(Fault::Timeout))),
                    over => Err(over),
                };
            }
            Fate::Repeats if self.last.is_some() => {
                return Ok(Ok(self.last.take().map_or(Answer::Nothing, Answer::Page)));
            }
            Fate::Repeats | Fate::Loses(_) | Fate::Well => {}
        }
        if let Some(page) = self.batch(&server, &state, now) {
            if let Fate::Loses(fault) = fate {
                return Ok(Err(TransportError::new(fault)));
            }
            (self.after, self.heard, self.told) = (page.cursor, now, self.told.saturating_add(1));
            self.last = (fate != Fate::Repeats).then(|| page.clone());
            self.greeted = true;
            return Ok(Ok(Answer::Page(page)));
        }
        if !std::mem::replace(&mut self.greeted, true) {
            return Ok(Ok(Answer::Nothing));
        }
        if held && self.heard + timings.long_poll <= now {
            self.heard = now;
            return Ok(Ok(Answer::Nothing));
        }
        let held = held.then(|| self.heard + timings.long_poll);
        let made = state.made.iter().map(|made| *made + self.mishap.lag).find(|due| *due > now);
        let late = state.late.iter().map(|(at, ..)| *at).min();
        let never = now + Duration::from_secs(86_400);
        Err([held, made, late].into_iter().flatten().min().unwrap_or(never))
    }

    /// The next batch that has come this far.
    fn batch(&self, server: &ModelServer, state: &State, now: Instant) -> Option<Page> {
        let arrived = state.made.iter().take_while(|made| **made + self.mishap.lag <= now).count();
        if self.kind == TransportKind::LongPolling {
            return server.page(state, arrived, self.after);
        }
        if self.after.get() < self.begun.min(arrived) as i64 {
            let page = server.page(state, self.begun.min(arrived), self.after)?;
            return Some(Page { has_more: false, ..page });
        }
        // One, three, five, two, four at once, if so many are there.
        let most = 1 + usize::from(self.told) * 2 % 5;
        let from = usize::try_from(self.after.get()).ok()?;
        let changes = state.changes.iter().take(arrived).skip(from).take(most);
        let messages: Vec<_> = changes.map(|(message, _)| server.told(message.clone())).collect();
        let cursor = messages.last()?.seq;
        Some(Page { messages, cursor, has_more: false })
    }
}

#[async_trait]
impl ChangeStream for Stream {
    async fn next(&mut self) -> Result<Answer, TransportError> {
        let mut news = self.open.server.state().streams.news.subscribe();
        loop {
            tokio::task::yield_now().await; // as whatever comes over a network
            match self.step() {
                Ok(answer) => return answer,
                Err(due) => {
                    tokio::select! {
                        () = sleep_until(due) => {}
                        _ = news.changed() => {}
                    }
                }
            }
        }
    }
}
