//! Clearing keys that have expired.

use super::rows::stored;
use super::sql::{self, Ask};
use crate::store::error::StoreError;
use crate::store::expiry::{AT_ONCE, OldKeys, ROOMS_AT_ONCE};
use chat_protocol::{RoomId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

/// Of the next rooms after `after`, those where a key is older than `before`.
pub(super) fn old(tx: &Connection, after: i64, before: Timestamp) -> Result<OldKeys, StoreError> {
    let mut statement = tx.ask(sql::OLD_KEYS)?;
    let rows = statement.query_map((after, before.as_millis(), ROOMS_AT_ONCE), |row| {
        Ok((stored(RoomId::new(row.get(0)?))?, row.get(1)?))
    })?;
    Ok(OldKeys::of(rows.collect::<rusqlite::Result<_>>()?))
}

/// Clears the next old keys of `room`, and says whether there may be more.
pub(super) fn clear(tx: &Connection, room: RoomId, before: Timestamp) -> Result<bool, StoreError> {
    tx.ask(sql::CLEAR_CREATION)?.execute((room.get(), before.as_millis()))?;
    let found = tx
        .ask(sql::WHICH_KEYS)?
        .query_row((room.get(), before.as_millis(), AT_ONCE), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((from, kept, last)) = found else { return Ok(false) };
    let (from, kept, last): (i64, Option<i64>, i64) = (from, kept, last);
    let until = kept.unwrap_or(last + 1);
    tx.ask(sql::CLEAR_KEYS)?.execute((room.get(), from, until))?;
    tx.ask(sql::KEYS_FROM)?.execute((room.get(), until))?;
    Ok(kept.is_none() && last + 1 - from >= AT_ONCE)
}
