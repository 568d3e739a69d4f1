//! How far somebody has read.

use super::rows::{access, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use chat_protocol::{MessageId, ReadMarker, RoomId, UserId};
use rusqlite::Connection;

/// Moves the marker forward to `id`; one that is beyond it already stays, so that of two devices the
/// one that has read further wins, in whichever order they say so.
pub(super) fn advance(tx: &Connection, room: RoomId, user: &UserId, id: MessageId) -> Result<(), StoreError> {
    let newest = access(tx, room, user)?.last_id;
    if id.get() > newest {
        return Err(StoreError::MarkerAhead { newest });
    }
    tx.ask(sql::ADVANCE_MARKER)?.execute((room.get(), user.as_str(), id.get()))?;
    Ok(())
}

/// Where the marker is, and what lies beyond it at the same moment.
pub(super) fn of(tx: &Connection, room: RoomId, user: &UserId) -> Result<ReadMarker, StoreError> {
    access(tx, room, user)?;
    let marker = tx.ask(sql::MARKER)?.query_row((room.get(), user.as_str()), |row| {
        Ok(ReadMarker { id: stored(MessageId::new(row.get(0)?))?, unread: row.get(1)? })
    })?;
    Ok(marker)
}
