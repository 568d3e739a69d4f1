//! The room: the list of its changes.

use super::streams::Streams;
use super::{By, Kind, Mishap, Wanted};
use chat_engine::transport::{Fault, TransportError};
use chat_protocol::{ErrorCode, Message, MessageId, Seq, Timestamp, TransactionId, UserId};
use std::collections::{BTreeMap, HashMap, VecDeque};
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct State {
    /// Change *n* is number *n - 1*.
    pub(super) changes: Vec<(Message, By)>,
    /// When each was made.
    pub(super) made: Vec<Instant>,
    /// The message that a key has stored, and the text it came with.
    pub(super) keys: HashMap<String, (MessageId, String)>,
    /// The message that a text was first said in.
    pub(super) origins: HashMap<String, MessageId>,
    pub(super) marker: i64,
    pub(super) plans: BTreeMap<Kind, VecDeque<Mishap>>,
    pub(super) late: Vec<(Instant, TransactionId, String)>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) ticks: u64,
    pub(super) life: u64,
    /// Questions for changes.
    pub(super) polls: u64,
    pub(super) streams: Streams,
}

const SENT_AT: i64 = 1_767_323_045_678;

fn refused(status: u16, code: ErrorCode) -> TransportError {
    TransportError::new(Fault::Refused { status, code })
}

impl State {
    /// The room's messages after the first `moment` changes.
    pub(super) fn at(&self, moment: usize) -> BTreeMap<MessageId, Message> {
        self.changes.iter().take(moment).map(|(m, _)| (m.id, m.clone())).collect()
    }

    pub(super) fn now(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn newest(&self) -> i64 {
        self.changes.iter().map(|(m, _)| m.id.get()).max().unwrap_or(0)
    }

    pub(super) fn find(&self, id: MessageId) -> Option<&Message> {
        self.changes.iter().rev().map(|(m, _)| m).find(|m| m.id == id)
    }

    /// Makes a change; tells what it made.
    pub(super) fn change(&mut self, by: By, message: Message) -> Message {
        let seq = Seq::new(self.now() as i64 + 1).unwrap();
        self.changes.push((Message { seq, ..message }, by));
        self.made.push(Instant::now());
        self.streams.news.send_modify(|n| *n += 1);
        self.changes.last().unwrap().0.clone()
    }

    pub(super) fn say(
        &mut self,
        by: By,
        sender: &UserId,
        key: Option<&TransactionId>,
        text: &str,
    ) -> Message {
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

    pub(super) fn send(
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
    pub(super) fn rewrite(
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

    pub(super) fn read(&mut self, id: i64) -> Result<(), TransportError> {
        if id > self.newest() {
            return Err(refused(422, ErrorCode::Invalid));
        }
        self.marker = self.marker.max(id);
        Ok(())
    }

    pub(super) fn unread(&self, me: &UserId) -> i64 {
        let beyond = |m: &&Message| m.id.get() > self.marker && m.sender != *me && !m.deleted;
        self.at(self.now()).values().filter(beyond).count() as i64
    }

    /// Stores what was late and is there now.
    pub(super) fn arrive(&mut self, me: &UserId) {
        let now = Instant::now();
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, ..)| *at <= now);
        self.late = late;
        let due: Vec<(Instant, TransactionId, String)> = due;
        for (_, key, text) in due {
            let _ = self.send(By::Device, me, &key, &text); // nobody waits for the answer
        }
    }
}
