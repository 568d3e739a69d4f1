//! A transport without a network, for tests that turn the clock.

use async_trait::async_trait;
use chat_engine::Token;
use chat_engine::transport::{Answer, Polled, TaggedRooms, Transport, TransportError};
use chat_protocol::{Message, MessageId, Page, ReadMarker, RoomId, Seq, TransactionId};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// One question that reached a [`FakeTransport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// When, by the test's clock, from the transport's making.
    pub at: Duration,
    /// The cursor.
    pub after: Option<Seq>,
}

/// Answers what was prepared, in order; then, unless told to say "nothing new", fails the test.
pub struct FakeTransport {
    begun: Instant,
    answers: Mutex<VecDeque<Result<Answer, TransportError>>>,
    asked: Mutex<Vec<Asked>>,
    refusal: Mutex<Option<TransportError>>,
    sent: Mutex<Vec<Duration>>,
    wish: Mutex<Option<Duration>>,
    next_id: Mutex<Option<i64>>,
    quiet: bool,
}

impl FakeTransport {
    /// Answers `answers`, then nothing: a further question fails the test.
    pub fn new(answers: impl IntoIterator<Item = Result<Answer, TransportError>>) -> Arc<Self> {
        Self::build(answers, false)
    }

    /// Answers `answers`, then "nothing new" for ever.
    pub fn then_quiet(answers: impl IntoIterator<Item = Result<Answer, TransportError>>) -> Arc<Self> {
        Self::build(answers, true)
    }

    fn build(answers: impl IntoIterator<Item = Result<Answer, TransportError>>, quiet: bool) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        let (asked, refusal, sent, wish, next_id) = Default::default();
        Arc::new(Self { begun: Instant::now(), answers, asked, refusal, sent, wish, next_id, quiet })
    }

    /// From now on every message sent meets this error.
    pub fn refuse_messages(&self, error: TransportError) {
        *self.refusal.lock().unwrap() = Some(error);
    }

    /// From now on messages are taken, numbered from `id`.
    pub fn take_messages(&self, id: i64) {
        *self.refusal.lock().unwrap() = None;
        *self.next_id.lock().unwrap() = Some(id);
    }

    /// From now on every answer carries this wish for the interval.
    pub fn wish(&self, interval: Option<Duration>) {
        *self.wish.lock().unwrap() = interval;
    }

    /// When messages were sent, by the test's clock.
    pub fn sent(&self) -> Vec<Duration> {
        self.sent.lock().unwrap().clone()
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for FakeTransport {
    async fn changes(
        &self,
        _room: RoomId,
        after: Option<Seq>,
        _limit: u32,
        _token: &Token,
    ) -> Result<Polled<Answer>, TransportError> {
        self.asked.lock().unwrap().push(Asked { at: self.begun.elapsed(), after });
        let answer = match self.answers.lock().unwrap().pop_front() {
            Some(answer) => answer?,
            None if self.quiet => Answer::Nothing,
            None => panic!("asked after {after:?}, and no answer was prepared"),
        };
        Ok(Polled { answer, interval: *self.wish.lock().unwrap() })
    }

    async fn older(&self, _: RoomId, before: MessageId, _: &Token) -> Result<Page, TransportError> {
        panic!("asked for history before {before}, and no answer was prepared")
    }

    async fn rooms(&self, _: Option<&str>, _: &Token) -> Result<Polled<Option<TaggedRooms>>, TransportError> {
        panic!("asked for the rooms, and no answer was prepared")
    }

    async fn edit(&self, _: RoomId, id: MessageId, _: &str, _: &Token) -> Result<Message, TransportError> {
        panic!("edited message {id}, and no answer was prepared")
    }

    async fn delete(&self, _: RoomId, id: MessageId, _: &Token) -> Result<Message, TransportError> {
        panic!("deleted message {id}, and no answer was prepared")
    }

    async fn mark_read(&self, _: RoomId, id: MessageId, _: &Token) -> Result<ReadMarker, TransportError> {
        panic!("marked {id} as read, and no answer was prepared")
    }

    async fn send(
        &self,
        _: RoomId,
        _: &TransactionId,
        _: &str,
        _: &Token,
    ) -> Result<Message, TransportError> {
        self.sent.lock().unwrap().push(self.begun.elapsed());
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let mut next = self.next_id.lock().unwrap();
        let id = next.expect("sent a message, and no answer was prepared");
        *next = Some(id + 1);
        Ok(Message { sender: crate::user("alice"), ..crate::message(id, id) })
    }
}
