//! Changing what was said: a message's sender may edit it and delete it.
//!
//! Membership, ownership and the change are of one transaction. Each change takes the room's next
//! seq, so it reaches every reader by the same cursor as a new message does. Doing the same once
//! more, after a lost answer, changes nothing and takes no seq.

use super::rows::{access, message, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use chat_protocol::{Message, MessageId, MessageText, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension};

/// Lets a message say something else.
pub(super) fn edit(
    tx: &Connection,
    room: RoomId,
    id: MessageId,
    caller: &UserId,
    text: &MessageText,
) -> Result<Message, StoreError> {
    let message = own(tx, room, id, caller)?;
    if message.deleted {
        return Err(StoreError::MessageDeleted);
    }
    if message.text == text.as_str() {
        return Ok(message);
    }
    let (seq, edited_at) = (next_seq(tx, room)?, Timestamp::now());
    tx.ask(sql::EDIT)?.execute((room.get(), id.get(), seq.get(), text.as_str(), edited_at.as_millis()))?;
    Ok(Message { seq, text: text.as_str().to_owned(), edited_at: Some(edited_at), ..message })
}

/// Leaves a tombstone: everything but the text and its digest, by which a guess at it could be checked. The key stays, so
/// that a late replay of the `POST`, whatever its text, still finds what it has made instead of saying it again.
pub(super) fn delete(
    tx: &Connection,
    room: RoomId,
    id: MessageId,
    caller: &UserId,
) -> Result<Message, StoreError> {
    let message = own(tx, room, id, caller)?;
    if message.deleted {
        return Ok(message);
    }
    let seq = next_seq(tx, room)?;
    tx.ask(sql::DELETE)?.execute((room.get(), id.get(), seq.get()))?;
    Ok(Message { seq, text: String::new(), deleted: true, ..message })
}

/// The message, if `caller` is in the room and wrote it.
fn own(tx: &Connection, room: RoomId, id: MessageId, caller: &UserId) -> Result<Message, StoreError> {
    access(tx, room, caller)?;
    let found =
        tx.ask(sql::BY_ID)?.query_row((room.get(), id.get()), |row| message(row, 0, caller)).optional()?;
    match found {
        None => Err(StoreError::MessageNotFound),
        Some(message) if message.sender != *caller => Err(StoreError::NotTheSender),
        Some(message) => Ok(message),
    }
}

fn next_seq(tx: &Connection, room: RoomId) -> Result<Seq, StoreError> {
    let seq = tx.ask(sql::NEXT_SEQ)?.query_row([room.get()], |row| stored(Seq::new(row.get(0)?)))?;
    Ok(seq)
}
