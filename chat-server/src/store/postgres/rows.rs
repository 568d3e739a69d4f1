//! From columns to the wire's newtypes.

use super::pool::Failure;
use chat_protocol::{InvalidId, Message, MessageId, Seq, Timestamp, TransactionId, UserId};
use tokio_postgres::Row;

/// Reads a message as `reader` may see it, from the columns that start at `from`.
pub(super) fn message(row: &Row, from: usize, reader: &UserId) -> Result<Message, Failure> {
    let mut message = message_with_key(row, from)?;
    // The key is the sender's secret: whoever knew it could pass a message off as a replay.
    message.transaction_id = message.transaction_id.filter(|_| message.sender == *reader);
    Ok(message)
}

/// The same with its sender's key, which is not everybody's to see.
pub(super) fn message_with_key(row: &Row, from: usize) -> Result<Message, Failure> {
    Ok(Message {
        id: stored(MessageId::new(row.try_get(from)?))?,
        seq: stored(Seq::new(row.try_get(from + 1)?))?,
        sender: stored(UserId::new(row.try_get::<_, String>(from + 2)?))?,
        text: row.try_get(from + 3)?,
        sent_at: Timestamp::from_millis(row.try_get(from + 4)?),
        edited_at: row.try_get::<_, Option<i64>>(from + 5)?.map(Timestamp::from_millis),
        deleted: row.try_get(from + 6)?,
        transaction_id: row
            .try_get::<_, Option<String>>(from + 7)?
            .map(|key| stored(TransactionId::new(key)))
            .transpose()?,
    })
}

/// An id that the database gives back. One that breaks the rules was not written by us.
pub(super) fn stored<T>(id: Result<T, InvalidId>) -> Result<T, Failure> {
    id.map_err(|error| Failure::damaged(error.to_string()))
}
