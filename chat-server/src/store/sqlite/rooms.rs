//! Making rooms and listing them.

use super::members;
use super::rows::{message, stored, unread, with_message_columns};
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
    let id: i64 = tx
        .prepare_cached("INSERT INTO rooms (title, created_at) VALUES (?1, ?2) RETURNING id")?
        .query_row((title, created_at.as_millis()), |row| row.get(0))?;
    Ok(stored(RoomId::new(id))?)
}

pub(super) fn of(tx: &Connection, user: &UserId) -> Result<Vec<RoomSummary>, StoreError> {
    let mut statement = tx.prepare_cached(with_message_columns!(
        concat!("SELECT r.id, r.title, ", unread!(), ", nullif(me.read_marker, 0), m.id IS NOT NULL, "),
        " FROM members me
           JOIN rooms r ON r.id = me.room
           LEFT JOIN messages m ON m.room = r.id AND m.id = r.last_id
          WHERE me.user = ?1
          ORDER BY r.id"
    ))?;
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
