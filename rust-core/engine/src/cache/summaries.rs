//! Table `summary`: the list of rooms as the server told it last.

use super::messages::{MESSAGE_COLUMNS, read_message};
use super::rooms::{self, Reach, stored};
use crate::EngineError;
use crate::repository::RoomListItem;
use chat_protocol::{Message, MessageId, RoomId, RoomSummary, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

/// Takes the server's list in the place of the last. Markers that another device has moved move here
/// too; tells how the rooms that are known stand now.
pub(crate) fn replace(
    connection: &Connection,
    me: &UserId,
    rooms: &[RoomSummary],
) -> Result<Vec<(RoomId, Reach)>, EngineError> {
    let mut known = Vec::new();
    connection.prepare_cached("DELETE FROM summary")?.execute([])?;
    let mut insert = connection
        .prepare_cached("INSERT INTO summary VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    for room in rooms {
        let last = room.last_message.as_ref();
        let marker = room.read_marker.map_or(0, MessageId::get);
        insert.execute(params![
            room.id.get(),
            room.title,
            room.unread,
            marker,
            last.map(|m| m.id.get()),
            last.map(|m| m.seq.get()),
            last.map(|m| m.sender.as_str()),
            last.map(|m| m.text.as_str()),
            last.map(|m| m.sent_at.as_millis()),
            last.and_then(|m| m.edited_at).map(Timestamp::as_millis),
            last.map(|m| m.deleted),
        ])?;
        rooms::marker_on_server(connection, room.id, me, marker)?;
        rooms::counted_by_server(connection, room.id, me)?;
        known.extend(rooms::reach(connection, room.id)?.map(|reach| (room.id, reach)));
    }
    Ok(known)
}

/// How far the list says a room is read.
pub(super) fn read_marker(connection: &Connection, room: RoomId) -> Result<i64, EngineError> {
    Ok(connection
        .prepare_cached("SELECT read_marker FROM summary WHERE room = ?1")?
        .query_row([room.get()], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// The list as a screen shows it: the server's, brought up to date with what is cached of each room.
/// The liveliest room first.
pub(crate) fn list(connection: &Connection, me: &UserId) -> Result<Vec<RoomListItem>, EngineError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT room, title, unread, {MESSAGE_COLUMNS} FROM summary ORDER BY room"
    ))?;
    let mut newest = connection.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM message WHERE room = ?1 ORDER BY id DESC LIMIT 1"
    ))?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let room = stored(RoomId::new(row.get(0)?))?;
        let told = row.get::<_, Option<i64>>(3)?.map(|_| read_message(row, 3)).transpose()?;
        let mut cached = newest.query([room.get()])?;
        let cached = cached.next()?.map(|row| read_message(row, 0)).transpose()?;
        let unread = match rooms::reach(connection, room)? {
            // What the server counted beyond what is cached is not known here message by message.
            Some(reach) if cached_up_to(cached.as_ref()) >= cached_up_to(told.as_ref()) => reach.unread,
            _ => row.get(2)?,
        };
        let last_message = [told, cached].into_iter().flatten().max_by_key(|m| (m.id, m.seq));
        list.push(RoomListItem::new(room, row.get(1)?, last_message, unread, me));
    }
    list.sort_by_key(|room| (std::cmp::Reverse(room.last_sent_at()), room.id));
    Ok(list)
}

fn cached_up_to(message: Option<&Message>) -> i64 {
    message.map_or(0, |m| m.id.get())
}
