//! What is read for those who listen to a room.

use super::members;
use super::messages::{fetch, page};
use super::rows::{access, message_with_key, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use crate::store::model::{Changes, Missed, PAGE_BYTES, PageRequest};
use chat_protocol::limits::MAX_PAGE;
use chat_protocol::{RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension};

pub(super) fn missed(
    tx: &Connection,
    room: RoomId,
    reader: &UserId,
    cursor: Seq,
    (limit, bytes): (u32, usize),
) -> Result<Missed, StoreError> {
    let removals = access(tx, room, reader)?.removals;
    let page = page(tx, room, reader, PageRequest::After { cursor, limit }, bytes)?;
    Ok(Missed { page, removals })
}

pub(super) fn changes(
    tx: &Connection,
    room: RoomId,
    after: Seq,
    known_removals: i64,
) -> Result<Changes, StoreError> {
    let (last_seq, removals) = tx
        .ask(sql::HEAD)?
        .query_row([room.get()], |row| Ok((stored(Seq::new(row.get(0)?))?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::RoomNotFound)?;
    if after > last_seq {
        return Err(StoreError::CursorAhead { newest: last_seq });
    }
    let members = if removals == known_removals { None } else { Some(members::all(tx, room)?) };
    let params = (room.get(), after.get(), MAX_PAGE);
    let messages = fetch(tx, sql::AFTER, params, PAGE_BYTES, |row| message_with_key(row, 0))?;
    let cursor = messages.last().map_or(after, |last| last.seq);
    Ok(Changes { messages, cursor, has_more: cursor < last_seq, removals, members })
}
