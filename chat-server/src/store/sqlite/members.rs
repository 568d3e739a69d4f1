//! Who is in a room.
//!
//! Rooms are flat: any member may add and remove anybody. An application that wants roles decides
//! before it hands out the token.

use super::rows::{access, stored};
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use chat_protocol::{RoomId, UserId};
use rusqlite::Connection;
use std::collections::HashSet;

pub(super) fn add(tx: &Connection, room: RoomId, caller: &UserId, user: &UserId) -> Result<(), StoreError> {
    access(tx, room, caller)?;
    insert(tx, room, user)
}

/// A newcomer has nothing unread: what was said before is history.
pub(super) fn insert(tx: &Connection, room: RoomId, user: &UserId) -> Result<(), StoreError> {
    tx.ask(sql::INSERT_MEMBER)?.execute((room.get(), user.as_str()))?;
    Ok(())
}

pub(super) fn remove(
    tx: &Connection,
    room: RoomId,
    caller: &UserId,
    user: &UserId,
) -> Result<(), StoreError> {
    match access(tx, room, caller) {
        // Leaving once more, after a lost answer, is no error: the caller is out, as asked.
        Err(StoreError::NotAMember) if caller == user => return Ok(()),
        other => other?,
    };
    take_out(tx, room, user)
}

/// Takes `user` out, whoever asks for it.
pub(super) fn take_out(tx: &Connection, room: RoomId, user: &UserId) -> Result<(), StoreError> {
    let removed = tx.ask(sql::DELETE_MEMBER)?.execute((room.get(), user.as_str()))?;
    if removed > 0 {
        tx.ask(sql::COUNT_REMOVAL)?.execute([room.get()])?;
    }
    Ok(())
}

/// Everybody in the room.
pub(super) fn all(tx: &Connection, room: RoomId) -> Result<HashSet<UserId>, StoreError> {
    let mut statement = tx.ask(sql::MEMBERS)?;
    let users = statement.query_map([room.get()], |row| stored(UserId::new(row.get::<_, String>(0)?)))?;
    Ok(users.collect::<rusqlite::Result<_>>()?)
}
