//! What whoever runs the server does to a database, beside the server or without one.
//!
//! [`Admin`] is one connection of its own, not a [`super::Store`]: a command asks one thing after another, an export
//! holds one snapshot over all its questions, and nothing here runs in the background. Nor does it make a database that
//! is missing or bring an old one up to date, which could take a running server's from under it: [`migrate`] alone
//! does that.
//!
//! # A room that is being imported
//! is one with messages beyond its `last_id`, which stays 0 until the last transaction sets it and lets the members in.
//! Until then nobody is in it, so no request sees it, and it needs no mark that could be left behind: an import that
//! was killed is found by what it left.

use super::error::{OpenError, StoreError};
use super::model::digest;
use super::{Database, postgres, sqlite};
use async_trait::async_trait;
use chat_protocol::{Message, MessageId, RoomId, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
pub(crate) use sqlite::{BackupError, Stage, backup};
use std::collections::BTreeSet;

/// A room as a list has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomInfo {
    /// Its number.
    pub id: RoomId,
    /// Its title.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many are in it.
    pub members: i64,
    /// How many messages it has, deleted ones among them.
    pub messages: i64,
    /// The newest change.
    pub last_seq: Seq,
    /// How many messages an import has brought that is under way, or was killed; `None` for an ordinary room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished_import: Option<i64>,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// The last message that they have read; 0 before the first.
    pub read_marker: i64,
}

/// An import under way: what the room is to be, and how far it has come.
#[derive(Debug, Clone)]
pub struct Import {
    /// Its title, already checked.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The room that the first batch began: known before its transaction ends, so that after a lost answer it can be
    /// looked for.
    pub room: Option<RoomId>,
    /// How many messages are in it.
    pub brought: i64,
}

/// Why a command is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No such room.
    #[error("there is no room {0}; `chat-server room list` lists them")]
    NoRoom(RoomId),
    /// An import is filling the room, or was killed.
    #[error(
        "room {0} is not whole: an import is filling it, or was killed, and then `chat-server room discard {0}` takes it away"
    )]
    Unfinished(RoomId),
    /// Somebody is in the room, or something was said in it.
    #[error("room {0} is no unfinished import: nothing is discarded that somebody may see")]
    Whole(RoomId),
    /// Another message of the room has the same.
    #[error("message {id} has the {field} of another message")]
    Taken {
        /// Of the batch's message.
        id: MessageId,
        /// `seq` or `transaction_id`.
        field: &'static str,
    },
    /// The room that was being imported is gone.
    #[error("the unfinished room was discarded meanwhile")]
    Discarded,
    /// The database.
    #[error(transparent)]
    Database(#[from] StoreError),
}

impl From<rusqlite::Error> for AdminError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What a clean-up has gained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Vacuumed {
    /// Bytes on the disk before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// What else there is to know.
    pub note: Option<&'static str>,
}

/// A connection for one command at a time.
#[async_trait]
pub trait Admin: Send {
    /// From here on every question is answered from one moment, as long as the connection lasts.
    async fn hold_snapshot(&mut self) -> Result<(), AdminError>;

    /// All rooms, by number.
    async fn rooms(&mut self) -> Result<Vec<RoomInfo>, AdminError>;

    /// One room, and who is in it, by name.
    async fn room(&mut self, room: RoomId) -> Result<(RoomInfo, Vec<Member>), AdminError>;

    /// The messages after the id `after`, at most so many, as their senders see them.
    async fn messages(&mut self, room: RoomId, after: i64, limit: u32) -> Result<Vec<Message>, AdminError>;

    /// Makes a room.
    async fn create_room(&mut self, title: &str, members: &BTreeSet<UserId>) -> Result<RoomId, AdminError>;

    /// Lets users in, all or none, and returns who was not in before.
    async fn add_members(
        &mut self,
        room: RoomId,
        users: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, AdminError>;

    /// Takes users out, all or none, and returns who was in before.
    async fn remove_members(
        &mut self,
        room: RoomId,
        users: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, AdminError>;

    /// Keeps a batch of messages in one transaction, after those that were brought before.
    async fn import(&mut self, import: &mut Import, batch: &[Message]) -> Result<RoomId, AdminError>;

    /// Makes an imported room an ordinary one, which its members see, if all messages up to the newest are in it.
    async fn finish_import(
        &mut self,
        room: RoomId,
        newest: (i64, Seq),
        members: &[Member],
    ) -> Result<(), AdminError>;

    /// Takes away a part of a room that was never finished; `false` once it is gone. Waits for a transaction that is filling
    /// it, be it that of a connection which has broken.
    async fn discard_some(&mut self, room: RoomId) -> Result<bool, AdminError>;

    /// Gives space back that is no longer needed.
    async fn vacuum(&mut self) -> Result<Vacuumed, AdminError>;
}

/// Opens the database for a command.
///
/// # Errors
/// [`OpenError`], [`OpenError::Missing`] and [`OpenError::OutOfDate`] among them.
pub async fn open(database: &Database) -> Result<Box<dyn Admin>, OpenError> {
    match database {
        Database::File(path) => Ok(Box::new(sqlite::Desk::open(path)?)),
        Database::Postgres(url) => Ok(Box::new(postgres::Desk::open(url).await?)),
    }
}

/// Makes the database if there is none, brings it up to date, and returns the versions of its schema before and after.
///
/// # Errors
/// [`OpenError`].
pub async fn migrate(database: &Database) -> Result<(i64, i64), OpenError> {
    match database {
        Database::File(path) => sqlite::migrate(path),
        Database::Postgres(url) => postgres::migrate(url).await,
    }
}

/// The room that an import goes on with, if it is as the batch before left it, with so many messages: whoever discards
/// it takes them away from the end, and after the first step the room is still there.
pub(super) fn still_unfinished(
    found: Result<RoomInfo, AdminError>,
    brought: i64,
) -> Result<RoomId, AdminError> {
    let as_left = |info: &RoomInfo| {
        info.messages == 0 && info.members == 0 && info.unfinished_import.unwrap_or(0) == brought
    };
    match found {
        Ok(info) if as_left(&info) => Ok(info.id),
        Ok(_) | Err(AdminError::NoRoom(_)) => Err(AdminError::Discarded),
        Err(other) => Err(other),
    }
}

/// Of the text that a message's key first came with, where the message still tells it. Without one a late replay is
/// answered by the message as it stands, whatever text it comes with.
pub(super) fn first_digest(message: &Message) -> Option<[u8; 16]> {
    let unchanged = message.edited_at.is_none() && !message.deleted;
    (unchanged && message.transaction_id.is_some()).then(|| digest(&message.text))
}
