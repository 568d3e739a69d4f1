//! Making rooms.

use super::pool::{Failure, Pool};
use super::rows::stored;
use super::sql;
use crate::store::error::StoreError;
use crate::store::model::Creation;
use chat_protocol::{RoomId, Timestamp, UserId};
use std::collections::BTreeSet;

/// Makes a room, or finds what the same key has made before. Who asks twice at once waits for the first.
pub(super) async fn create(
    pool: &Pool,
    title: &str,
    members: &BTreeSet<UserId>,
    creation: Option<&Creation>,
) -> Result<(RoomId, Timestamp), StoreError> {
    let created_at = Timestamp::now();
    let names: Vec<&str> = members.iter().map(UserId::as_str).collect();
    let creator = creation.map(|creation| creation.creator.as_str());
    let (key, digest) = creation.map(|creation| (creation.key.as_str(), &creation.digest[..])).unzip();
    let room = pool
        .rows(sql::CREATE_ROOM, &[&title, &created_at.as_millis(), &names, &creator, &key, &digest])
        .await?;
    if let Some(row) = room.first() {
        return Ok((stored(RoomId::new(row.try_get(0).map_err(Failure::from)?))?, created_at));
    }
    let made = pool.rows(sql::ROOM_BY_KEY, &[&creator, &key]).await?;
    // It expired between the two.
    let made = made.first().ok_or_else(|| StoreError::Busy("the key has just expired".into()))?;
    let read = || -> Result<_, Failure> { Ok((made.try_get(0)?, made.try_get(1)?, made.try_get(2)?)) };
    let (id, created_at, known): (i64, i64, Vec<u8>) = read()?;
    match digest == Some(&known[..]) {
        true => Ok((stored(RoomId::new(id))?, Timestamp::from_millis(created_at))),
        false => Err(StoreError::IdempotencyKeyReused),
    }
}
