//! From columns to the wire's newtypes, and the one question that guards every other.

use super::sql::{self, Ask};
use crate::store::error::StoreError;
use chat_protocol::{InvalidId, Message, MessageId, RoomId, Seq, Timestamp, TransactionId, UserId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};

/// Reads a message as `reader` may see it, from the columns that start at `from`.
pub(super) fn message(row: &Row<'_>, from: usize, reader: &UserId) -> rusqlite::Result<Message> {
    let mut message = message_with_key(row, from)?;
    // The key is the sender's secret: whoever knew it could pass a message off as a replay.
    message.transaction_id = message.transaction_id.filter(|_| message.sender == *reader);
    Ok(message)
}

/// The same with its sender's key, which is not everybody's to see.
pub(super) fn message_with_key(row: &Row<'_>, from: usize) -> rusqlite::Result<Message> {
    Ok(Message {
        id: stored(MessageId::new(row.get(from)?))?,
        seq: stored(Seq::new(row.get(from + 1)?))?,
        text: row.get(from + 3)?,
        sent_at: Timestamp::from_millis(row.get(from + 4)?),
        edited_at: row.get::<_, Option<i64>>(from + 5)?.map(Timestamp::from_millis),
        deleted: row.get(from + 6)?,
        transaction_id: row
            .get::<_, Option<String>>(from + 7)?
            .map(|key| stored(TransactionId::new(key)))
            .transpose()?,
        sender: stored(UserId::new(row.get::<_, String>(from + 2)?))?,
    })
}

/// An id that the database gives back. One that breaks the rules means a damaged file.
pub(super) fn stored<T>(id: Result<T, InvalidId>) -> rusqlite::Result<T> {
    id.map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Null, Box::new(error)))
}

/// What a member may know of a room before reading a message.
pub(super) struct Access {
    /// The newest change.
    pub(super) last_seq: Seq,
    /// How many messages there are, which is the newest one's id.
    pub(super) last_id: i64,
    /// How often somebody was taken out.
    pub(super) removals: i64,
}

/// Lets `user` into `room` for the length of the transaction that `connection` is in.
pub(super) fn access(connection: &Connection, room: RoomId, user: &UserId) -> Result<Access, StoreError> {
    let found = connection
        .ask(sql::ACCESS)?
        .query_row((room.get(), user.as_str()), |row| {
            let last_seq = stored(Seq::new(row.get(0)?))?;
            let access = Access { last_seq, last_id: row.get(1)?, removals: row.get(2)? };
            Ok((access, row.get::<_, bool>(3)?))
        })
        .optional()?;
    match found {
        None => Err(StoreError::RoomNotFound),
        Some((_, false)) => Err(StoreError::NotAMember),
        Some((access, true)) => Ok(access),
    }
}
