//! One room of a server in the least code that can be right, and a network that fails on cue.
//!
//! The room is the list of its changes, and nothing else: change *n* is the message as it stood after
//! it, so every question is answered by looking through the list, and the server of an earlier moment
//! is the same list cut short. Slow, and plain enough to believe: the model test holds the engine
//! against it.

use async_trait::async_trait;
use chat_engine::Token;
use chat_engine::transport::{Answer, Fault, Polled, TaggedRooms, Transport, TransportError};
use chat_protocol::{
    ErrorCode, Message, MessageId, Page, ReadMarker, RoomId, RoomSummary, Rooms, Seq, Timestamp,
    TransactionId, UserId,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep};

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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Change *n* is number *n - 1*.
    changes: Vec<(Message, By)>,
    /// The message that a key has stored, and the text it came with.
    keys: HashMap<String, (MessageId, String)>,
    /// The message that a text was first said in.
    origins: HashMap<String, MessageId>,
    marker: i64,
    plans: BTreeMap<Kind, VecDeque<Mishap>>,
    late: Vec<(Instant, TransactionId, String)>,
    wanted: Vec<Wanted>,
    ticks: u64,
    life: u64,
}

const SENT_AT: i64 = 1_767_323_045_678;

fn refused(status: u16, code: ErrorCode) -> TransportError {
    TransportError::new(Fault::Refused { status, code })
}

impl State {
    /// The room's messages after the first `moment` changes.
    fn at(&self, moment: usize) -> BTreeMap<MessageId, Message> {
        self.changes.iter().take(moment).map(|(m, _)| (m.id, m.clone())).collect()
    }

    fn now(&self) -> usize {
        self.changes.len()
    }

    fn newest(&self) -> i64 {
        self.changes.iter().map(|(m, _)| m.id.get()).max().unwrap_or(0)
    }

    fn find(&self, id: MessageId) -> Option<&Message> {
        self.changes.iter().rev().map(|(m, _)| m).find(|m| m.id == id)
    }

    /// Makes a change; tells what it made.
    fn change(&mut self, by: By, message: Message) -> Message {
        let seq = Seq::new(self.now() as i64 + 1).unwrap();
        self.changes.push((Message { seq, ..message }, by));
        self.changes.last().unwrap().0.clone()
    }

    fn say(&mut self, by: By, sender: &UserId, key: Option<&TransactionId>, text: &str) -> Message {
        let id = MessageId::new(self.newest() + 1).unwrap();
        self.origins.insert(text.to_owned(), id);
        self.change(
            by,
            Message {
                id,
                seq: Seq::START,
                sender: sender.clone(),
                text: text.to_owned(),
                sent_at: Timestamp::from_millis(SENT_AT + id.get()),
                edited_at: None,
                deleted: false,
                transaction_id: key.cloned(),
            },
        )
    }

    fn send(
        &mut self,
        by: By,
        me: &UserId,
        key: &TransactionId,
        text: &str,
    ) -> Result<Message, TransportError> {
        if let Some((id, said)) = self.keys.get(key.as_str()) {
            return match said == text {
                true => Ok(self.find(*id).unwrap().clone()),
                false => Err(refused(422, ErrorCode::IdempotencyKeyReused)),
            };
        }
        let message = self.say(by, me, Some(key), text);
        self.keys.insert(key.as_str().to_owned(), (message.id, text.to_owned()));
        Ok(message)
    }

    /// Edits, or deletes with no text, for `caller`.
    fn rewrite(
        &mut self,
        by: By,
        caller: &UserId,
        id: MessageId,
        text: Option<&str>,
    ) -> Result<Message, TransportError> {
        let message = match self.find(id) {
            None => return Err(refused(404, ErrorCode::MessageNotFound)),
            Some(m) if m.sender != *caller => return Err(refused(403, ErrorCode::NotTheSender)),
            Some(m) => m.clone(),
        };
        match text {
            None if message.deleted => Ok(message),
            None => Ok(self.change(by, Message { text: String::new(), deleted: true, ..message })),
            Some(_) if message.deleted => Err(refused(410, ErrorCode::MessageDeleted)),
            Some(text) if message.text == text => Ok(message),
            Some(text) => {
                let edited_at = Some(Timestamp::from_millis(SENT_AT + 1_000 + self.now() as i64));
                Ok(self.change(by, Message { text: text.to_owned(), edited_at, ..message }))
            }
        }
    }

    fn read(&mut self, id: i64) -> Result<(), TransportError> {
        if id > self.newest() {
            return Err(refused(422, ErrorCode::Invalid));
        }
        self.marker = self.marker.max(id);
        Ok(())
    }

    fn unread(&self, me: &UserId) -> i64 {
        let beyond = |m: &&Message| m.id.get() > self.marker && m.sender != *me && !m.deleted;
        self.at(self.now()).values().filter(beyond).count() as i64
    }

    /// Stores what was late and is there now.
    fn arrive(&mut self, me: &UserId) {
        let now = Instant::now();
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, ..)| *at <= now);
        self.late = late;
        let due: Vec<(Instant, TransactionId, String)> = due;
        for (_, key, text) in due {
            let _ = self.send(By::Device, me, &key, &text); // nobody waits for the answer
        }
    }
}

/// What others do, and what a test wants to know.
impl ModelServer {
    /// A room without messages, with pages of `page`; `me` is the device's user.
    pub fn new(me: UserId, page: usize, tells_keys: bool) -> Arc<Self> {
        Arc::new(Self { me, page, tells_keys, state: Mutex::default() })
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

    /// No more mishaps.
    pub fn heal(&self) {
        let mut state = self.state();
        state.plans.clear();
        for (at, ..) in &mut state.late {
            *at = Instant::now();
        }
    }

    /// The device's process ends: what it has on the way changes no message any more.
    pub fn process_ends(&self) {
        self.state().life += 1;
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

impl ModelServer {
    /// Has one request meet its mishap. `act` gets the moment that it is answered of.
    async fn carry<T>(
        &self,
        kind: Kind,
        want: Option<Want>,
        act: impl Fn(&mut State, usize) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let (mishap, life, number) = self.begin(kind, want.as_ref());
        let act = |lag: usize| {
            let mut state = self.state();
            state.arrive(&self.me);
            let moment = state.now().saturating_sub(lag);
            let answer = act(&mut state, moment);
            if want.is_some() {
                let wanted = &mut state.wanted[number];
                wanted.reached |= answer.is_ok();
                wanted.refused = answer.as_ref().err().map(|e| e.fault);
            }
            answer
        };
        tokio::task::yield_now().await;
        match (mishap, want.as_ref()) {
            (Mishap::None, _) => act(0),
            (Mishap::Lost, _) => Err(TransportError::new(Fault::Offline)),
            (Mishap::Refused(fault, retry_after), _) => {
                if want.is_some() {
                    self.state().wanted[number].refused = Some(fault);
                }
                Err(TransportError { fault, retry_after })
            }
            (Mishap::Late(by), Some(Want::Send(key, text))) => {
                let mut state = self.state();
                state.wanted[number].reached = true;
                state.late.push((Instant::now() + by, TransactionId::new(key).unwrap(), text.clone()));
                Err(TransportError::new(Fault::Timeout))
            }
            (Mishap::AnswerLost(_) | Mishap::Late(_), _) => {
                act(0).ok();
                if want.is_some() {
                    self.state().wanted[number].refused = None; // not that anybody knows
                }
                let fault = if let Mishap::AnswerLost(fault) = mishap { fault } else { Fault::Timeout };
                Err(TransportError::new(fault))
            }
            (Mishap::Stale(lag), _) => {
                act(if matches!(kind, Kind::Changes | Kind::History) { lag } else { 0 })
            }
            (Mishap::Slow(there, back), _) => {
                if !there.is_zero() {
                    sleep(there).await;
                }
                if self.state().life != life && kind == Kind::Change {
                    return Err(TransportError::new(Fault::Interrupted)); // nobody is there to hear it
                }
                let answer = act(0);
                if !back.is_zero() {
                    sleep(back).await;
                }
                answer
            }
        }
    }

    fn begin(&self, kind: Kind, want: Option<&Want>) -> (Mishap, u64, usize) {
        let mut state = self.state();
        state.ticks += 1;
        let mishap = state.plans.get_mut(&kind).and_then(VecDeque::pop_front).unwrap_or(Mishap::None);
        let number = state.wanted.len();
        if let Some(what) = want.cloned() {
            let at = state.ticks;
            state.wanted.push(Wanted { at, what, reached: false, refused: None });
        }
        (mishap, state.life, number)
    }

    /// A message as the device is told it.
    fn told(&self, message: Message) -> Message {
        let transaction_id = message.transaction_id.filter(|_| self.tells_keys && message.sender == self.me);
        Message { transaction_id, ..message }
    }

    fn cut(&self, state: &State, moment: usize, before: i64) -> Page {
        let all: Vec<Message> = state.at(moment).into_values().filter(|m| m.id.get() < before).collect();
        let messages: Vec<_> =
            all[all.len().saturating_sub(self.page)..].iter().map(|m| self.told(m.clone())).collect();
        let has_more = messages.first().is_some_and(|m| m.id.get() > 1);
        Page { messages, cursor: Seq::new(moment as i64).unwrap(), has_more }
    }

    fn after(&self, state: &State, after: Seq) -> Result<Answer, TransportError> {
        let newest = state.now() as i64;
        if after.get() > newest {
            return Err(TransportError::new(Fault::CursorAhead));
        }
        if after.get() == newest {
            return Ok(Answer::Nothing);
        }
        let mut messages: Vec<_> = state.at(state.now()).into_values().filter(|m| m.seq > after).collect();
        messages.sort_by_key(|m| m.seq);
        messages.truncate(self.page);
        let cursor = messages.last().unwrap().seq;
        let messages = messages.into_iter().map(|m| self.told(m)).collect();
        Ok(Answer::Page(Page { messages, cursor, has_more: cursor.get() < newest }))
    }
}

#[async_trait]
impl Transport for ModelServer {
    async fn changes(
        &self,
        _: RoomId,
        after: Option<Seq>,
        _: u32,
        _: &Token,
    ) -> Result<Polled<Answer>, TransportError> {
        let answer = self.carry(Kind::Changes, None, |state, moment| match after {
            Some(after) => self.after(state, after),
            None => Ok(Answer::Page(self.cut(state, moment, i64::MAX))),
        });
        answer.await.map(Polled::from)
    }

    async fn older(&self, _: RoomId, before: MessageId, _: &Token) -> Result<Page, TransportError> {
        let page = self.carry(Kind::History, None, |state, moment| Ok(self.cut(state, moment, before.get())));
        let page = page.await?;
        // As every transport checks: a copy of the server that has not got that far is not believed.
        match page.messages.last().map_or(1, |m| m.id.get() + 1) == before.get() {
            true => Ok(page),
            false => Err(chat_engine::transport::BadAnswer::OutOfOrder.into()),
        }
    }

    async fn rooms(
        &self,
        known: Option<&str>,
        _: &Token,
    ) -> Result<Polled<Option<TaggedRooms>>, TransportError> {
        let answer = self.carry(Kind::List, None, |state, _| {
            let tag = format!("{}-{}", state.now(), state.marker);
            if known == Some(&tag) {
                return Ok(None);
            }
            let last_message = state.at(state.now()).into_values().next_back().map(|m| self.told(m));
            let summary = RoomSummary {
                id: RoomId::new(1).unwrap(),
                title: "room".into(),
                last_message,
                unread: state.unread(&self.me),
                read_marker: MessageId::new(state.marker).ok(),
            };
            Ok(Some(TaggedRooms { rooms: Rooms { rooms: vec![summary] }, tag: Some(tag) }))
        });
        answer.await.map(Polled::from)
    }

    async fn send(
        &self,
        _: RoomId,
        key: &TransactionId,
        text: &str,
        _: &Token,
    ) -> Result<Message, TransportError> {
        let want = Want::Send(key.as_str().to_owned(), text.to_owned());
        let sent = self.carry(Kind::Send, Some(want), |state, _| state.send(By::Device, &self.me, key, text));
        sent.await.map(|m| self.told(m))
    }

    async fn edit(&self, _: RoomId, id: MessageId, text: &str, _: &Token) -> Result<Message, TransportError> {
        self.change(id, Some(text)).await
    }

    async fn delete(&self, _: RoomId, id: MessageId, _: &Token) -> Result<Message, TransportError> {
        self.change(id, None).await
    }

    async fn mark_read(&self, _: RoomId, id: MessageId, _: &Token) -> Result<ReadMarker, TransportError> {
        self.carry(Kind::Read, Some(Want::Read(id.get())), |state, _| {
            state.read(id.get())?;
            Ok(ReadMarker { id: MessageId::new(state.marker).unwrap(), unread: state.unread(&self.me) })
        })
        .await
    }
}

impl ModelServer {
    async fn change(&self, id: MessageId, text: Option<&str>) -> Result<Message, TransportError> {
        let want = Want::Change(id.get(), text.map(str::to_owned));
        let changed =
            self.carry(Kind::Change, Some(want), |state, _| state.rewrite(By::Device, &self.me, id, text));
        changed.await.map(|m| self.told(m))
    }
}
