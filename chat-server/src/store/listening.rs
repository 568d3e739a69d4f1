//! What is read for those who listen to a room.

use super::error::StoreError;
use super::members;
use super::messages::{PAGE_BYTES, PageRequest, fetch, page};
use super::rows::{access, message_with_key, stored, with_message_columns};
use chat_protocol::limits::MAX_PAGE;
use chat_protocol::{Message, Page, RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashSet;

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
        .prepare_cached("SELECT last_seq, removals FROM rooms WHERE id = ?1")?
        .query_row([room.get()], |row| Ok((stored(Seq::new(row.get(0)?))?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::RoomNotFound)?;
    let members = if removals == known_removals { None } else { Some(members::all(tx, room)?) };
    let sql = with_message_columns!(
        "SELECT ",
        " FROM messages m WHERE m.room = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3"
    );
    let params = (room.get(), after.get(), MAX_PAGE);
    let messages = fetch(tx, sql, params, PAGE_BYTES, |row| message_with_key(row, 0))?;
    let cursor = messages.last().map_or(after, |last| last.seq);
    Ok(Changes { messages, cursor, has_more: cursor < last_seq, removals, members })
}
