//! Messages: allotting ids, finding replays, and cutting pages.

use super::rows::{Access, access, message, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use crate::store::model::{Budget, Digest, NewMessage, PageRequest, digest};
use crate::store::sql::Sql;
use chat_protocol::{Message, MessageId, Page, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Params, Row};

/// Stores `new`, or returns what its key has stored before. Id and seq are taken in the transaction
/// that inserts, so ids have no holes and nothing becomes visible out of order.
pub(super) fn insert(tx: &Connection, new: &NewMessage) -> Result<Message, StoreError> {
    access(tx, new.room, &new.sender)?;
    let digest = digest(new.text.as_str());
    if let Some((known, message)) = by_key(tx, new)? {
        // Without a digest it was deleted or imported, and what it said at first nobody knows.
        let same = known.is_none_or(|known| known == digest);
        return if same { Ok(message) } else { Err(StoreError::IdempotencyKeyReused) };
    }
    let (id, seq) = tx.ask(sql::NEXT_ID)?.query_row([new.room.get()], |row| {
        Ok((stored(MessageId::new(row.get(0)?))?, stored(Seq::new(row.get(1)?))?))
    })?;
    let sent_at = Timestamp::now();
    tx.ask(sql::INSERT_MESSAGE)?.execute((
        new.room.get(),
        id.get(),
        seq.get(),
        new.sender.as_str(),
        new.text.as_str(),
        sent_at.as_millis(),
        new.transaction_id.as_str(),
        digest,
    ))?;
    Ok(Message {
        id,
        seq,
        sender: new.sender.clone(),
        text: new.text.as_str().to_owned(),
        sent_at,
        edited_at: None,
        deleted: false,
        transaction_id: Some(new.transaction_id.clone()),
    })
}

/// What `new`'s key has stored before, and the digest of the text it came with then.
fn by_key(tx: &Connection, new: &NewMessage) -> Result<Option<(Option<Digest>, Message)>, StoreError> {
    let key = (new.room.get(), new.sender.as_str(), new.transaction_id.as_str());
    Ok(tx
        .ask(sql::BY_KEY)?
        .query_row(key, |row| Ok((row.get(0)?, message(row, 1, &new.sender)?)))
        .optional()?)
}

/// Cuts a page of at most so many bytes, or of one message; `None` when nothing is new. Membership, page and
/// cursor are of one moment, because `tx` is one transaction.
pub(super) fn page(
    tx: &Connection,
    room: RoomId,
    reader: &UserId,
    request: PageRequest,
    bytes: usize,
) -> Result<Option<Page>, StoreError> {
    let access = access(tx, room, reader)?;
    match request {
        PageRequest::After { cursor, .. } if cursor == access.last_seq => Ok(None),
        PageRequest::After { cursor, .. } if cursor > access.last_seq => {
            Err(StoreError::CursorAhead { newest: access.last_seq })
        }
        PageRequest::After { cursor, limit } => {
            changes(tx, room, reader, &access, (cursor, limit), bytes).map(Some)
        }
        PageRequest::Before { id, limit } => {
            history(tx, room, reader, &access, (id.get(), limit), bytes).map(Some)
        }
        PageRequest::Newest { limit } => {
            history(tx, room, reader, &access, (access.last_id + 1, limit), bytes).map(Some)
        }
    }
}

fn changes(
    tx: &Connection,
    room: RoomId,
    reader: &UserId,
    access: &Access,
    (cursor, limit): (Seq, u32),
    bytes: usize,
) -> Result<Page, StoreError> {
    let messages =
        fetch(tx, sql::AFTER, (room.get(), cursor.get(), limit), bytes, |row| message(row, 0, reader))?;
    let cursor = messages.last().map_or(cursor, |last| last.seq);
    Ok(Page { messages, cursor, has_more: cursor < access.last_seq })
}

fn history(
    tx: &Connection,
    room: RoomId,
    reader: &UserId,
    access: &Access,
    (before, limit): (i64, u32),
    bytes: usize,
) -> Result<Page, StoreError> {
    let mut messages =
        fetch(tx, sql::BEFORE, (room.get(), before, limit), bytes, |row| message(row, 0, reader))?;
    messages.reverse();
    // Ids are dense from 1.
    let has_more = messages.first().is_some_and(|oldest| oldest.id.get() > 1);
    Ok(Page { messages, cursor: access.last_seq, has_more })
}

/// Reads until the rows end or so many bytes of JSON are full. Cut short, it is a smaller page with `has_more`;
/// the first message is always in it.
pub(super) fn fetch(
    tx: &Connection,
    sql: Sql,
    params: impl Params,
    bytes: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Message>,
) -> Result<Vec<Message>, StoreError> {
    let mut budget = Budget::new(bytes);
    let mut statement = tx.ask(sql)?;
    let mut rows = statement.query(params)?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let message = read(row)?;
        if !budget.fits(&message) {
            break;
        }
        messages.push(message);
    }
    Ok(messages)
}
