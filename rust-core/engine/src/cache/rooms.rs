//! Table `room`: how far each room is known, and read.

use super::summaries;
use crate::EngineError;
use chat_protocol::{MessageId, RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension, params};

/// How far a room is known, and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The last change seen.
    pub(crate) cursor: Seq,
    /// From this message up, whatever is missing will come by polling; what is below comes as history.
    pub(crate) floor: i64,
    /// Whether the server has messages below the floor.
    pub(crate) has_older: bool,
    /// The last message read, 0 before the first.
    pub(crate) read_marker: i64,
    /// Messages of others beyond the marker: counted from the floor up, below it in the server's words.
    pub(crate) unread: i64,
}

pub(crate) fn reach(connection: &Connection, room: RoomId) -> Result<Option<Reach>, EngineError> {
    let row = connection
        .prepare_cached(
            "SELECT cursor, floor, has_older, read_marker, unread + unread_below FROM room WHERE id = ?1",
        )?
        .query_row([room.get()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    row.map(|(cursor, floor, has_older, read_marker, unread)| {
        Ok(Reach { cursor: stored(Seq::new(cursor))?, floor, has_older, read_marker, unread })
    })
    .transpose()
}

/// The cursor to ask after; `None` for a room never seen.
pub(crate) fn cursor(connection: &Connection, room: RoomId) -> Result<Option<Seq>, EngineError> {
    Ok(reach(connection, room)?.map(|reach| reach.cursor))
}

/// Makes a room known, read as far as the list of rooms says.
pub(super) fn open_room(
    connection: &Connection,
    room: RoomId,
    cursor: Seq,
    floor: i64,
    has_older: bool,
) -> Result<(), EngineError> {
    let read = summaries::read_marker(connection, room)?;
    connection
        .prepare_cached(
            "INSERT INTO room (id, cursor, floor, has_older, read_marker, read_sent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        )?
        .execute(params![room.get(), cursor.get(), floor, has_older, read])?;
    Ok(())
}

pub(super) fn advance(connection: &Connection, room: RoomId, cursor: Seq) -> Result<(), EngineError> {
    connection
        .prepare_cached("UPDATE room SET cursor = max(cursor, ?2) WHERE id = ?1")?
        .execute(params![room.get(), cursor.get()])?;
    Ok(())
}

/// Whether the server counted what is below the floor, and the changes up to its count are all here now.
pub(super) fn has_reached_the_count(connection: &Connection, room: RoomId) -> Result<bool, EngineError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM room r JOIN summary s ON s.room = r.id
             WHERE r.id = ?1 AND r.floor > r.read_marker + 1 AND r.has_older AND r.cursor >= s.seq",
        )?
        .exists([room.get()])?)
}

/// Moves the floor: down by history, up by retention.
pub(super) fn set_floor(
    connection: &Connection,
    room: RoomId,
    floor: i64,
    has_older: bool,
) -> Result<(), EngineError> {
    connection
        .prepare_cached("UPDATE room SET floor = ?2, has_older = ?3 WHERE id = ?1")?
        .execute(params![room.get(), floor, has_older])?;
    Ok(())
}

/// Counts messages that came, or went, beyond the marker.
pub(super) fn add_unread(connection: &Connection, room: RoomId, more: i64) -> Result<(), EngineError> {
    if more != 0 {
        connection
            .prepare_cached("UPDATE room SET unread = max(unread + ?2, 0) WHERE id = ?1")?
            .execute(params![room.get(), more])?;
    }
    Ok(())
}

/// Counts anew, after the marker, the floor or the server's count has moved. What the server counted,
/// less what of it is cached, lies below the floor; a count from before the marker moved says nothing.
pub(super) fn recount(connection: &Connection, room: RoomId, me: &UserId) -> Result<(), EngineError> {
    connection
        .prepare_cached(
            "UPDATE room SET unread = (
                 SELECT count(*) FROM message m
                 WHERE m.room = room.id AND m.id > max(room.read_marker, room.floor - 1)
                   AND m.sender <> ?2 AND NOT m.deleted)
             WHERE id = ?1",
        )?
        .execute(params![room.get(), me.as_str()])?;
    connection
        .prepare_cached(
            "UPDATE room SET unread_below = CASE
                 WHEN floor <= read_marker + 1 OR NOT has_older THEN 0
                 ELSE coalesce((
                     SELECT max(0, s.unread - (
                         SELECT count(*) FROM message m
                         WHERE m.room = room.id AND m.id > max(room.read_marker, room.floor - 1) AND m.id <= s.id
                           AND m.sender <> ?2 AND NOT m.deleted))
                     FROM summary s WHERE s.room = room.id AND s.read_marker = room.read_marker
                     -- Not while any of what the server counted from the floor up is still to come.
                     AND s.id - room.floor + 1 = (SELECT count(*) FROM message m
                         WHERE m.room = room.id AND m.id BETWEEN room.floor AND s.id)), unread_below)
                 END
             WHERE id = ?1",
        )?
        .execute(params![room.get(), me.as_str()])?;
    Ok(())
}

/// Moves the read marker forward to `id`, or to the newest cached message if that is before it. Tells
/// whether it moved; a room that is not known has none.
pub(crate) fn mark_read(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    id: MessageId,
) -> Result<bool, EngineError> {
    let moved = connection
        .prepare_cached(
            "UPDATE room SET read_marker = min(?2, (SELECT max(id) FROM message WHERE room = ?1))
             WHERE id = ?1 AND read_marker < min(?2, (SELECT max(id) FROM message WHERE room = ?1))",
        )?
        .execute(params![room.get(), id.get()])?;
    if moved > 0 {
        recount(connection, room, me)?;
    }
    Ok(moved > 0)
}

/// Where the server has the marker: told in answer to ours, or moved by another device.
pub(crate) fn marker_on_server(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    id: i64,
) -> Result<(), EngineError> {
    let changed = connection
        .prepare_cached(
            "UPDATE room SET read_sent = max(read_sent, ?2), read_marker = max(read_marker, ?2)
             WHERE id = ?1 AND read_sent < ?2",
        )?
        .execute(params![room.get(), id])?;
    if changed > 0 { recount(connection, room, me) } else { Ok(()) }
}

/// The server has counted anew. Costs a count only where that matters: where unread messages lie below
/// the floor.
pub(super) fn counted_by_server(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
) -> Result<(), EngineError> {
    match reach(connection, room)? {
        Some(reach) if reach.has_older && reach.floor > reach.read_marker + 1 => {
            recount(connection, room, me)
        }
        _ => Ok(()),
    }
}

/// The marker, if the server does not know of it yet.
pub(crate) fn unsent_marker(connection: &Connection, room: RoomId) -> Result<Option<MessageId>, EngineError> {
    let id: Option<i64> = connection
        .prepare_cached("SELECT read_marker FROM room WHERE id = ?1 AND read_marker > read_sent")?
        .query_row([room.get()], |row| row.get(0))
        .optional()?;
    id.map(message_id).transpose()
}

/// A value read back from the cache that the wire would not have let in: the file was tampered with.
pub(super) fn stored<T>(value: Result<T, chat_protocol::InvalidId>) -> Result<T, EngineError> {
    value.map_err(|e| EngineError::Storage(format!("the cache holds an impossible value: {e}")))
}

/// A message id out of the cache.
pub(super) fn message_id(id: i64) -> Result<MessageId, EngineError> {
    stored(MessageId::new(id))
}
