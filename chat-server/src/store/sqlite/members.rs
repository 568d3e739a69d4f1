//! Who is in a room.
//!
//! Rooms are flat: any member may add and remove anybody. An application that wants roles decides
//! before it hands out the token.

use super::rows::{access, exists, stored};
use crate::store::error::StoreError;
use crate::store::model::Caller;
use chat_protocol::{RoomId, UserId};
use rusqlite::Connection;
use std::collections::HashSet;

pub(super) fn add(tx: &Connection, room: RoomId, caller: &Caller, user: &UserId) -> Result<(), StoreError> {
    may_change(tx, room, caller)?;
    insert(tx, room, user)
}

/// Lets `caller` decide who is in `room`.
fn may_change(tx: &Connection, room: RoomId, caller: &Caller) -> Result<(), StoreError> {
    match caller {
        Caller::Member(user) => access(tx, room, user).map(drop),
        Caller::Administrator => exists(tx, room),
    }
}

/// A newcomer has nothing unread: what was said before is history.
pub(super) fn insert(tx: &Connection, room: RoomId, user: &UserId) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO members (room, user, read_marker)
         SELECT id, ?2, last_id FROM rooms WHERE id = ?1
         ON CONFLICT DO NOTHING",
    )?
    .execute((room.get(), user.as_str()))?;
    Ok(())
}

pub(super) fn remove(
    tx: &Connection,
    room: RoomId,
    caller: &Caller,
    user: &UserId,
) -> Result<(), StoreError> {
    match (may_change(tx, room, caller), caller) {
        // Leaving once more, after a lost answer, is no error: the caller is out, as asked.
        (Err(StoreError::NotAMember), Caller::Member(caller)) if caller == user => return Ok(()),
        (other, _) => other?,
    }
    let removed = tx
        .prepare_cached("DELETE FROM members WHERE room = ?1 AND user = ?2")?
        .execute((room.get(), user.as_str()))?;
    if removed > 0 {
        tx.prepare_cached("UPDATE rooms SET removals = removals + 1 WHERE id = ?1")?.execute([room.get()])?;
    }
    Ok(())
}

/// Everybody in the room.
pub(super) fn all(tx: &Connection, room: RoomId) -> Result<HashSet<UserId>, StoreError> {
    let mut statement = tx.prepare_cached("SELECT user FROM members WHERE room = ?1")?;
    let users = statement.query_map([room.get()], |row| stored(UserId::new(row.get::<_, String>(0)?)))?;
    Ok(users.collect::<rusqlite::Result<_>>()?)
}
