//! What goes into a store and comes out of it, besides the wire's own types.

use chat_protocol::{Message, MessageId, MessageText, Page, RoomId, Seq, TransactionId, UserId};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashSet};

/// A room to be made.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Whoever makes it, a member from the start.
    pub creator: UserId,
    /// Its title, already checked.
    pub title: String,
    /// Who else is in it; naming somebody twice, or the creator, does no harm.
    pub members: Vec<UserId>,
    /// The creator's key, if there is one: the same on every try.
    pub key: Option<TransactionId>,
}

/// By what it is known that a room was asked for before.
#[derive(Debug, Clone)]
pub(super) struct Creation {
    pub(super) creator: UserId,
    pub(super) key: TransactionId,
    /// Of all that was asked for: tells a replay from a reused key.
    pub(super) digest: Digest,
}

impl Creation {
    /// Neither a title nor a name holds the end of a line.
    pub(super) fn of(creator: UserId, key: TransactionId, title: &str, members: &BTreeSet<UserId>) -> Self {
        let words: Vec<&str> = std::iter::once(title).chain(members.iter().map(UserId::as_str)).collect();
        Self { creator, key, digest: digest(&words.join("\n")) }
    }
}

/// A message to be stored.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Where to.
    pub room: RoomId,
    /// Who says it.
    pub sender: UserId,
    /// The sender's key: the same on every try.
    pub transaction_id: TransactionId,
    /// What is said.
    pub text: MessageText,
}

/// Most bytes of JSON in a page: what one answer costs while it waits for its reader. A full page of 500
/// ordinary messages is 107 KB, so only a room of long ones gives fewer than were asked for.
pub const PAGE_BYTES: usize = 256 << 10;

/// Which page of a room. `limit` is the most messages in it, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageRequest {
    /// What changed after `cursor`, oldest change first.
    After {
        /// The last change seen.
        cursor: Seq,
        /// Most messages.
        limit: u32,
    },
    /// The newest messages older than `id`.
    Before {
        /// The oldest message known.
        id: MessageId,
        /// Most messages.
        limit: u32,
    },
    /// The newest messages.
    Newest {
        /// Most messages.
        limit: u32,
    },
}

/// What one listener has missed.
#[derive(Debug)]
pub struct Missed {
    /// As [`super::Store::page`] has it: `None` when nothing is new.
    pub page: Option<Page>,
    /// How often somebody had been taken out of the room when this was read, the reader not among them.
    pub removals: i64,
}

/// What has changed for everybody.
#[derive(Debug)]
pub struct Changes {
    /// By `seq`, each with its sender's key, which is not everybody's to see.
    pub messages: Vec<Message>,
    /// The last `seq` of them, or the one asked after.
    pub cursor: Seq,
    /// Whether there is more after `cursor`.
    pub has_more: bool,
    /// How often somebody has been taken out of the room.
    pub removals: i64,
    /// Who is in the room, if that number is not the one known.
    pub members: Option<HashSet<UserId>>,
}

/// Tells the text a key came with from another. 128 bits of SHA-256: the only one who could gain from a
/// collision is the sender, over themselves.
pub(super) type Digest = [u8; 16];

pub(super) fn digest(text: &str) -> Digest {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(text)[..16]);
    short
}

/// How much more fits into a page.
pub(super) struct Budget {
    bytes: usize,
    first: bool,
}

impl Budget {
    /// Room for so many bytes of JSON, or for one message.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, first: true }
    }

    /// Whether `message` still fits, and if so, takes its place.
    pub(super) fn fits(&mut self, message: &Message) -> bool {
        let size = json_size(message);
        if size > self.bytes && !self.first {
            return false;
        }
        (self.bytes, self.first) = (self.bytes.saturating_sub(size), false);
        true
    }
}

/// No less than the bytes of `message` in JSON.
fn json_size(message: &Message) -> usize {
    let escaped = |s: &str| {
        s.bytes()
            .map(|byte| match byte {
                0..=0x1f => 6,
                b'"' | b'\\' => 2,
                _ => 1,
            })
            .sum::<usize>()
    };
    let key = message.transaction_id.as_ref().map_or(0, |key| escaped(key.as_str()));
    256 + escaped(&message.text) + escaped(message.sender.as_str()) + key
}
