//! One room of a server in the least code that can be right, and a network that fails on cue.
//!
//! The room is the list of its changes, and nothing else: change *n* is the message as it stood after
//! it, so every question is answered by looking through the list, and the server of an earlier moment
//! is the same list cut short. Slow, and plain enough to believe: the model test holds the engine
//! against it.
//!
//! `room.rs` is the room, `network.rs` what carries questions to it, `streams.rs` what carries its changes
//! by themselves.

mod network;
mod room;
mod streams;

pub use streams::{Begins, Fate, StreamMishap};

use chat_engine::Timings;
use chat_engine::transport::{Fault, TransportKind};
use chat_protocol::{Message, MessageId, Seq, TransactionId, UserId};
use room::State;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// What a question is about; a [`Mishap`] is planned for one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Changes, or the newest page.
    Changes,
    /// A page of history.
    History,
    /// The list of rooms.
    List,
    /// A message to be stored.
    Send,
    /// An edit or a deletion.
    Change,
    /// The read marker.
    Read,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing.
    None,
    /// It never reaches the server.
    Lost,
    /// The server has done it, and the answer is lost.
    AnswerLost(Fault),
    /// The server answers with an error and has done nothing.
    Refused(Fault, Option<Duration>),
    /// It takes so long on its way there, and its answer so long on the way back.
    Slow(Duration, Duration),
    /// It gets nowhere, and that is noticed after so long.
    Hangs(Duration),
    /// A message that reaches the server so long after its sender has given up; of anything else the answer is lost.
    Late(Duration),
    /// Answered by a copy of the server that lags this many changes behind; only where that can be
    /// (the newest page and history), else nothing.
    Stale(usize),
}

/// A request that wanted something of the server, as it reached the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// When: by [`ModelServer::tick`].
    pub at: u64,
    /// What.
    pub what: Want,
    /// Whether the server did it, or does it yet: it may have had an effect.
    pub reached: bool,
    /// What the server said against it, if it did.
    pub refused: Option<Fault>,
}

/// What a request wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// To store a text under a key.
    Send(String, String),
    /// To let a message say something else, or nothing.
    Change(i64, Option<String>),
    /// To move the marker.
    Read(i64),
}

impl Want {
    /// Whether it wants `text` to be stored as a message.
    pub fn says(&self, text: &str) -> bool {
        matches!(self, Want::Send(_, said) if said == text)
    }
}

/// Who made a change: the device under test, or somebody else (the same user's other device included).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The device under test.
    Device,
    /// Anybody else.
    Other,
}

/// See the module's documentation. Page sizes are small, so that few messages make many pages.
pub struct ModelServer {
    me: UserId,
    /// Messages in a page.
    page: usize,
    /// Whether a sender is told its own keys.
    tells_keys: bool,
    /// How long streams are held and listened to; as in the engine, whose transports keep these times.
    timings: Timings,
    state: Mutex<State>,
    /// For its streams.
    this: Weak<Self>,
}

/// What others do, and what a test wants to know.
impl ModelServer {
    /// A room without messages, with pages of `page`; `me` is the device's user.
    pub fn new(me: UserId, page: usize, tells_keys: bool, timings: Timings) -> Arc<Self> {
        let this = |this: &Weak<Self>| Self {
            me,
            page,
            tells_keys,
            timings,
            state: Mutex::default(),
            this: this.clone(),
        };
        Arc::new_cyclic(this)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Somebody, or the user on another device, says something.
    pub fn say(&self, sender: &UserId, text: &str) -> MessageId {
        let mut state = self.state();
        let key = TransactionId::new(format!("other-{}", state.now())).unwrap();
        state.say(By::Other, sender, Some(&key), text).id
    }

    /// Somebody else edits a message in its sender's name, or deletes it with no text.
    pub fn rewrite(&self, id: MessageId, text: Option<&str>) -> bool {
        let mut state = self.state();
        let Some(sender) = state.find(id).map(|m| m.sender.clone()) else { return false };
        state.rewrite(By::Other, &sender, id, text).is_ok()
    }

    /// The user's other device has read up to `id`.
    pub fn read_elsewhere(&self, id: MessageId) {
        let _ = self.state().read(id.get()); // beyond the newest there is nothing to read
    }

    /// Has `mishaps` happen to the next requests of a kind, in turn.
    pub fn plan(&self, kind: Kind, mishaps: impl IntoIterator<Item = Mishap>) {
        self.state().plans.entry(kind).or_default().extend(mishaps);
    }

    /// Has `mishaps` happen to the next streams of a kind, in turn.
    pub fn plan_streams(&self, kind: TransportKind, mishaps: impl IntoIterator<Item = StreamMishap>) {
        self.state().streams.plans.entry(kind).or_default().extend(mishaps);
    }

    /// No more mishaps. What has befallen a stream already stays: who is silent is silent.
    pub fn heal(&self) {
        let mut state = self.state();
        state.plans.clear();
        state.streams.heal();
        for (at, ..) in &mut state.late {
            *at = Instant::now();
        }
        state.arrive(&self.me);
    }

    /// The device's process ends: what it has on the way changes no message any more, and nobody knows what
    /// the server has asked for.
    pub fn process_ends(&self) {
        let mut state = self.state();
        state.life += 1;
        state.streams.not_before.clear();
    }

    /// The streams that are open or being opened, by their numbers.
    pub fn streams(&self) -> Vec<u64> {
        self.state().streams.open.iter().copied().collect()
    }

    /// How many streams were asked for so far: the number of the last one.
    pub fn streams_begun(&self) -> u64 {
        self.state().streams.begun
    }

    /// How often the device has asked for changes so far; what streams bring is not asked for.
    pub fn polls(&self) -> u64 {
        self.state().polls
    }

    /// What the device has done that the server had asked it not to do, if anything.
    pub fn rude(&self) -> Option<String> {
        self.state().streams.rude.clone()
    }

    /// The next moment, for comparing with [`Wanted::at`].
    pub fn tick(&self) -> u64 {
        let mut state = self.state();
        state.ticks += 1;
        state.ticks
    }

    /// Every message as it is.
    pub fn truth(&self) -> Vec<Message> {
        let mut state = self.state();
        state.arrive(&self.me);
        state.at(state.now()).into_values().collect()
    }

    /// Change `seq`, if it was one of message `id`.
    pub fn version(&self, id: MessageId, seq: Seq) -> Option<Message> {
        let state = self.state();
        let (message, _) = state.changes.get(usize::try_from(seq.get()).ok()?.checked_sub(1)?)?;
        (message.id == id).then(|| message.clone())
    }

    /// The message that a text was first said in.
    pub fn origin(&self, text: &str) -> Option<MessageId> {
        self.state().origins.get(text).copied()
    }

    /// How many messages began with a text.
    pub fn count(&self, text: &str) -> usize {
        let state = self.state();
        let mut seen = std::collections::HashSet::new();
        state.changes.iter().filter(|(m, _)| seen.insert(m.id) && m.text == text).count()
    }

    /// The changes of a message, in order.
    pub fn history(&self, id: MessageId) -> Vec<(Message, By)> {
        self.state().changes.iter().filter(|(m, _)| m.id == id).cloned().collect()
    }

    /// Everything the device wanted so far.
    pub fn wanted(&self) -> Vec<Wanted> {
        self.state().wanted.clone()
    }

    /// The user's read marker, 0 before the first.
    pub fn marker(&self) -> i64 {
        self.state().marker
    }

    /// Messages of others beyond the marker.
    pub fn unread(&self) -> i64 {
        self.state().unread(&self.me)
    }
}
