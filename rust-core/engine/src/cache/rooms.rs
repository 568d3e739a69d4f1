//! Table `room`: how far each room is known.

use crate::EngineError;
use chat_protocol::{MessageId, RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, params};

/// How far a room is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// The last change seen.
    pub(super) cursor: Seq,
    /// From this message up, nothing is missing.
    pub(super) floor: i64,
    /// Whether the server has older messages.
    pub(super) has_older: bool,
}

pub(super) fn reach(connection: &Connection, room: RoomId) -> Result<Option<Reach>, EngineError> {
    let row = connection
        .prepare_cached("SELECT cursor, floor, has_older FROM room WHERE id = ?1")?
        .query_row([room.get()], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    row.map(|(cursor, floor, has_older)| Ok(Reach { cursor: stored(Seq::new(cursor))?, floor, has_older }))
        .transpose()
}

/// The cursor to ask after; `None` for a room never seen.
pub(crate) fn cursor(connection: &Connection, room: RoomId) -> Result<Option<Seq>, EngineError> {
    Ok(reach(connection, room)?.map(|reach| reach.cursor))
}

pub(super) fn open_room(connection: &Connection, room: RoomId, reach: Reach) -> Result<(), EngineError> {
    connection
        .prepare_cached("INSERT INTO room (id, cursor, floor, has_older) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![room.get(), reach.cursor.get(), reach.floor, reach.has_older])?;
    Ok(())
}

pub(super) fn advance(connection: &Connection, room: RoomId, cursor: Seq) -> Result<(), EngineError> {
    connection
        .prepare_cached("UPDATE room SET cursor = max(cursor, ?2) WHERE id = ?1")?
        .execute(params![room.get(), cursor.get()])?;
    Ok(())
}

/// A value read back from the cache that the wire would not have let in: the file was tampered with.
pub(super) fn stored<T>(value: Result<T, chat_protocol::InvalidId>) -> Result<T, EngineError> {
    value.map_err(|e| EngineError::Storage(format!("the cache holds an impossible value: {e}")))
}

/// A message id out of the cache.
pub(super) fn message_id(id: i64) -> Result<MessageId, EngineError> {
    stored(MessageId::new(id))
}
