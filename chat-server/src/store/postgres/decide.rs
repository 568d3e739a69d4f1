//! What becomes of changes that wait for one room: decided here, on what was read while the room was locked,
//! and written afterwards in one go. Pure: no I/O, and time comes in from outside.
//!
//! Each change sees what those before it have done, as if each had a transaction of its own.

use crate::store::error::StoreError;
use crate::store::model::{NewMessage, digest};
use crate::store::notices;
use chat_protocol::{Message, MessageId, MessageText, Seq, Timestamp, TransactionId, UserId};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A change to a room.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Send(NewMessage),
    Edit { id: MessageId, caller: UserId, text: MessageText },
    Delete { id: MessageId, caller: UserId },
    Add { caller: UserId, user: UserId },
    Remove { caller: UserId, user: UserId },
}

/// What it is answered: the message, where it is about one.
pub(super) type Outcome = Result<Option<Message>, StoreError>;

/// A message with its key, and the digest of the text it was first sent with.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) message: Message,
    pub(super) digest: Option<Vec<u8>>,
}

/// What was read of a room, as far as the changes ask, and what they make of it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) last_id: i64,
    pub(super) last_seq: i64,
    pub(super) removals: i64,
    members: HashSet<UserId>,
    messages: HashMap<i64, Kept>,
    keys: HashMap<(UserId, TransactionId), i64>,
    /// Messages that are new, and those that were there and changed.
    inserted: BTreeSet<i64>,
    updated: BTreeSet<i64>,
    /// Members that were there and are no longer, and new ones with their markers.
    gone: HashSet<UserId>,
    come: HashMap<UserId, i64>,
    /// How often listeners should look, and whether at once.
    pub(super) changes: u32,
    pub(super) urgent: bool,
    /// The same for what is there already, and perhaps nobody was told of.
    pub(super) told_again: bool,
}

impl State {
    /// A room without anybody or anything yet.
    pub(super) fn new(last_id: i64, last_seq: i64, removals: i64) -> Self {
        Self { last_id, last_seq, removals, ..Self::default() }
    }

    /// `user` is in the room.
    pub(super) fn know_member(&mut self, user: UserId) {
        self.members.insert(user);
    }

    /// This message is there.
    pub(super) fn know_message(&mut self, kept: Kept) {
        if let Some(key) = &kept.message.transaction_id {
            self.keys.insert((kept.message.sender.clone(), key.clone()), kept.message.id.get());
        }
        self.messages.insert(kept.message.id.get(), kept);
    }

    /// What to insert, by id.
    pub(super) fn inserted(&self) -> impl Iterator<Item = &Kept> {
        self.inserted.iter().filter_map(|id| self.messages.get(id))
    }

    /// What to update, by id.
    pub(super) fn updated(&self) -> impl Iterator<Item = &Message> {
        self.updated.iter().filter_map(|id| self.messages.get(id)).map(|kept| &kept.message)
    }

    /// Whom to delete: first of all, as somebody may have come again.
    pub(super) fn gone(&self) -> impl Iterator<Item = &UserId> {
        self.gone.iter()
    }

    /// Whom to insert, and their markers.
    pub(super) fn come(&self) -> impl Iterator<Item = (&UserId, i64)> {
        self.come.iter().map(|(user, marker)| (user, *marker))
    }

    /// Whether there is anything to write.
    pub(super) fn is_changed(&self) -> bool {
        self.changes > 0 || !self.gone.is_empty() || !self.come.is_empty()
    }

    /// Makes one change at the time `now`.
    pub(super) fn apply(&mut self, change: &Change, now: Timestamp) -> Outcome {
        match change {
            Change::Send(new) => self.send(new, now).map(Some),
            Change::Edit { id, caller, text } => self.edit(*id, caller, text, now).map(Some),
            Change::Delete { id, caller } => self.delete(*id, caller).map(Some),
            Change::Add { caller, user } => self.add(caller, user).map(|()| None),
            Change::Remove { caller, user } => self.remove(caller, user).map(|()| None),
        }
    }

    fn access(&self, user: &UserId) -> Result<(), StoreError> {
        if self.members.contains(user) { Ok(()) } else { Err(StoreError::NotAMember) }
    }

    fn send(&mut self, new: &NewMessage, now: Timestamp) -> Result<Message, StoreError> {
        self.access(&new.sender)?;
        let digest = digest(new.text.as_str()).to_vec();
        let key = (new.sender.clone(), new.transaction_id.clone());
        if let Some(known) = self.keys.get(&key).and_then(|id| self.messages.get(id)) {
            // Without a digest it was deleted or imported, and what it said at first nobody knows.
            let same = known.digest.as_ref().is_none_or(|known| *known == digest);
            if !same {
                return Err(StoreError::IdempotencyKeyReused);
            }
            self.told_again |= notices::is_young(&known.message, now);
            return Ok(known.message.clone());
        }
        let id = self.last_id + 1;
        let message = Message {
            id: allotted(MessageId::new(id))?,
            seq: self.next_seq()?,
            sender: new.sender.clone(),
            text: new.text.as_str().to_owned(),
            sent_at: now,
            edited_at: None,
            deleted: false,
            transaction_id: Some(new.transaction_id.clone()),
        };
        self.last_id = id;
        self.keys.insert(key, id);
        self.inserted.insert(id);
        self.messages.insert(id, Kept { message: message.clone(), digest: Some(digest) });
        Ok(message)
    }

    fn edit(
        &mut self,
        id: MessageId,
        caller: &UserId,
        text: &MessageText,
        now: Timestamp,
    ) -> Result<Message, StoreError> {
        let message = self.own(id, caller)?;
        if message.deleted {
            return Err(StoreError::MessageDeleted);
        }
        if message.text == text.as_str() {
            return Ok(message);
        }
        let (seq, text) = (self.next_seq()?, text.as_str().to_owned());
        Ok(self.rewrite(Message { seq, text, edited_at: Some(now), ..message }))
    }

    fn delete(&mut self, id: MessageId, caller: &UserId) -> Result<Message, StoreError> {
        let message = self.own(id, caller)?;
        if message.deleted {
            return Ok(message);
        }
        let seq = self.next_seq()?;
        self.urgent = true;
        // A tombstone: everything but the text and its digest, by which a guess at it could be checked. The key stays, so
        // that a late replay of the `POST`, whatever its text, still finds what it has made instead of saying it again.
        if let Some(kept) = self.messages.get_mut(&id.get()) {
            kept.digest = None;
        }
        Ok(self.rewrite(Message { seq, text: String::new(), deleted: true, ..message }))
    }

    fn add(&mut self, caller: &UserId, user: &UserId) -> Result<(), StoreError> {
        self.access(caller)?;
        if self.members.insert(user.clone()) {
            // A newcomer has nothing unread: what was said before is history.
            self.come.insert(user.clone(), self.last_id);
        }
        Ok(())
    }

    fn remove(&mut self, caller: &UserId, user: &UserId) -> Result<(), StoreError> {
        match self.access(caller) {
            // Leaving once more, after a lost answer, is no error: the caller is out, as asked.
            Err(StoreError::NotAMember) if caller == user => return Ok(()),
            other => other?,
        }
        if self.members.remove(user) {
            if self.come.remove(user).is_none() {
                self.gone.insert(user.clone());
            }
            self.removals += 1;
            self.changes = self.changes.saturating_add(1);
            self.urgent = true;
        }
        Ok(())
    }

    /// The message, if `caller` is in the room and wrote it.
    fn own(&self, id: MessageId, caller: &UserId) -> Result<Message, StoreError> {
        self.access(caller)?;
        match self.messages.get(&id.get()) {
            None => Err(StoreError::MessageNotFound),
            Some(kept) if kept.message.sender != *caller => Err(StoreError::NotTheSender),
            Some(kept) => Ok(kept.message.clone()),
        }
    }

    fn rewrite(&mut self, message: Message) -> Message {
        let id = message.id.get();
        if !self.inserted.contains(&id) {
            self.updated.insert(id);
        }
        if let Some(kept) = self.messages.get_mut(&id) {
            kept.message = message.clone();
        }
        message
    }

    fn next_seq(&mut self) -> Result<Seq, StoreError> {
        self.last_seq += 1;
        self.changes = self.changes.saturating_add(1);
        allotted(Seq::new(self.last_seq))
    }
}

fn allotted<T>(id: Result<T, chat_protocol::InvalidId>) -> Result<T, StoreError> {
    id.map_err(|error| StoreError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests;
