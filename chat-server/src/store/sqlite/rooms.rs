//! Making rooms and listing them.

use super::members;
use super::rows::{message, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use crate::store::model::{Creation, Digest};
use chat_protocol::{MessageId, Room, RoomId, RoomSummary, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;

/// Makes a room, or finds what the same key has made before.
pub(super) fn create(
    tx: &Connection,
    title: String,
    members: BTreeSet<UserId>,
    creation: Option<&Creation>,
) -> Result<Room, StoreError> {
    let (id, created_at) = match creation.map(|creation| by_key(tx, creation)).transpose()?.flatten() {
        Some(made) => made,
        None => {
            let created_at = Timestamp::now();
            let id = insert(tx, &title, created_at, creation)?;
            for name in &members {
                members::insert(tx, id, name)?;
            }
            (id, created_at)
        }
    };
    Ok(Room { id, title, members: members.into_iter().collect(), created_at })
}

fn by_key(tx: &Connection, creation: &Creation) -> Result<Option<(RoomId, Timestamp)>, StoreError> {
    let key = (creation.creator.as_str(), creation.key.as_str());
    let found = tx
        .ask(sql::ROOM_BY_KEY)?
        .query_row(key, |row| Ok((stored(RoomId::new(row.get(0)?))?, row.get(1)?, row.get::<_, Digest>(2)?)))
        .optional()?;
    match found {
        Some((_, _, digest)) if digest != creation.digest => Err(StoreError::IdempotencyKeyReused),
        found => Ok(found.map(|(id, created_at, _)| (id, Timestamp::from_millis(created_at)))),
    }
}

/// An empty room with nobody in it, under a number that no room has had.
pub(super) fn insert(
    tx: &Connection,
    title: &str,
    created_at: Timestamp,
    creation: Option<&Creation>,
) -> Result<RoomId, StoreError> {
    let creator = creation.map(|creation| creation.creator.as_str());
    let (key, digest) = creation.map(|creation| (creation.key.as_str(), creation.digest)).unzip();
    let row = (title, created_at.as_millis(), creator, key, digest);
    let id: i64 = tx.ask(sql::INSERT_ROOM)?.query_row(row, |row| row.get(0))?;
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
