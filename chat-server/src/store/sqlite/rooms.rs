//! Making rooms and listing them.

use super::members;
use super::rows::{message, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use chat_protocol::{MessageId, Room, RoomId, RoomSummary, Timestamp, UserId};
use rusqlite::Connection;
use std::collections::BTreeSet;

pub(super) fn create(tx: &Connection, title: String, members: BTreeSet<UserId>) -> Result<Room, StoreError> {
    let created_at = Timestamp::now();
    let id = insert(tx, &title, created_at)?;
    for name in &members {
        members::insert(tx, id, name)?;
    }
    Ok(Room { id, title, members: members.into_iter().collect(), created_at })
}

/// An empty room with nobody in it, under a number that no room has had.
pub(super) fn insert(tx: &Connection, title: &str, created_at: Timestamp) -> Result<RoomId, StoreError> {
    let id: i64 = tx.ask(sql::INSERT_ROOM)?.query_row((title, created_at.as_millis()), |row| row.get(0))?;
    Ok(stored(RoomId::new(id))?)
}

pub(super) fn of(tx: &Connection, user: &UserId) -> Result<Vec<RoomSummary>, StoreError> {
    let mut statement = tx.ask(sql::ROOMS_OF)?;
    let rooms = statement.query_map([user.as_str()], |row| {
        Ok(RoomSummary {
            id: stored(RoomId::new(row.get(0)?))?,
            title: row.get(1)?,
            unread: row.get(2)?,
            read_marker: row.get::<_, Option<i64>>(3)?.map(MessageId::new).map(stored).transpose()?,
            last_message: match row.get(4)? {
                true => Some(message(row, 5, user)?),
                false => None,
            },
        })
    })?;
    Ok(rooms.collect::<rusqlite::Result<_>>()?)
}
