//! The file that `export` writes and `import` reads: a room as JSON Lines.
//!
//! ```text
//! {"format":"chat-core-room","version":1,"title":"Lunch","created_at":"…","messages":2,"last_seq":3,"members":[…]}
//! {"id":1,"seq":1,"sender":"alice","text":"hi","sent_at":"…","edited_at":null,"deleted":false,"transaction_id":"…"}
//! {"id":2,"seq":3,"sender":"bob","text":"","sent_at":"…","edited_at":null,"deleted":true,"transaction_id":"…"}
//! {"end":{"messages":2,"sha256":"…"}}
//! ```
//! A message is as it is on the wire (design, §3), told as its sender is told it. The last line tells a whole file from
//! one cut short, and its digest, over every byte before it, one that was altered on the way.
//!
//! Nothing in it says where it is from, not even the room's number: two rooms that are the same give the same bytes,
//! whichever database each lives in.

use crate::store::admin::Member;
use chat_protocol::{Message, MessageId, Seq, Timestamp, TransactionId, UserId};
use serde::{Deserialize, Serialize};

/// What the first line says it is.
pub(crate) const FORMAT: &str = "chat-core-room";

/// The one version there is. What a reader of it could not understand takes the next.
pub(crate) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// [`FORMAT`].
    pub(crate) format: String,
    /// [`VERSION`].
    pub(crate) version: u32,
    /// The room's title.
    pub(crate) title: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// How many messages there are, and so the newest one's id.
    pub(crate) messages: i64,
    /// The newest change, which the message that it changed carries.
    pub(crate) last_seq: Seq,
    /// Who is in the room, by name.
    pub(crate) members: Vec<Member>,
}

/// A line between the first and the last. As [`Message`], but that it must say everything and nothing else: a field
/// misspelt in a file made by hand would else be lost without a word.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    id: MessageId,
    seq: Seq,
    sender: UserId,
    text: String,
    sent_at: Timestamp,
    #[serde(deserialize_with = "Option::deserialize")]
    edited_at: Option<Timestamp>,
    deleted: bool,
    #[serde(deserialize_with = "Option::deserialize")]
    transaction_id: Option<TransactionId>,
}

impl From<Message> for Line {
    fn from(message: Message) -> Self {
        let Message { id, seq, sender, text, sent_at, edited_at, deleted, transaction_id } = message;
        Self { id, seq, sender, text, sent_at, edited_at, deleted, transaction_id }
    }
}

impl From<Line> for Message {
    fn from(line: Line) -> Self {
        let Line { id, seq, sender, text, sent_at, edited_at, deleted, transaction_id } = line;
        Self { id, seq, sender, text, sent_at, edited_at, deleted, transaction_id }
    }
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trailer {
    /// What the file should amount to.
    pub(crate) end: End,
}

/// See [`Trailer`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// As the first line has it.
    pub(crate) messages: i64,
    /// SHA-256 of every byte before this line, in lower-case hexadecimal digits.
    pub(crate) sha256: String,
}

/// The digest as [`End::sha256`] has it.
pub(crate) fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::with_capacity(2 * digest.len()), |mut all, byte| {
        // Writing to a string does not fail.
        let _ = write!(all, "{byte:02x}");
        all
    })
}
