//! Clearing keys that have expired.

use super::pool::{ANSWER, Failure, Pool};
use super::rows::stored;
use super::sql;
use crate::store::expiry::{AT_ONCE, OldKeys, ROOMS_AT_ONCE};
use chat_protocol::{RoomId, Timestamp};
use tokio::time::timeout;

/// Of the next rooms after `after`, those where a key is older than `before`.
pub(super) async fn old(pool: &Pool, after: i64, before: Timestamp) -> Result<OldKeys, Failure> {
    let rows = pool.rows(sql::OLD_KEYS, &[&after, &before.as_millis(), &ROOMS_AT_ONCE]).await?;
    let looked_at = rows.iter().map(|row| Ok((stored(RoomId::new(row.try_get(0)?))?, row.try_get(1)?)));
    Ok(OldKeys::of(looked_at.collect::<Result<_, Failure>>()?))
}

/// Clears the next old keys of `room`, and says whether there may be more.
pub(super) async fn clear(pool: &Pool, room: RoomId, before: Timestamp) -> Result<bool, Failure> {
    timeout(ANSWER, transact(pool, room.get(), before.as_millis())).await.map_err(|_| Failure::silent())?
}

/// Locks the room first, as everybody does who changes its messages.
async fn transact(pool: &Pool, room: i64, before: i64) -> Result<bool, Failure> {
    let mut session = pool.session().await?;
    let lock = session.prepare(sql::LOCK_ROOM).await?;
    let creation = session.prepare(sql::CLEAR_CREATION).await?;
    let which = session.prepare(sql::WHICH_KEYS).await?;
    let clear = session.prepare(sql::CLEAR_KEYS).await?;
    let remember = session.prepare(sql::KEYS_FROM).await?;
    let client = session.client()?;
    let lock = async { client.query_opt(&lock, &[&room]).await };
    let creation = async { client.execute(&creation, &[&room, &before]).await };
    let which = async { client.query_opt(&which, &[&room, &before, &AT_ONCE]).await };
    let (.., found) = tokio::try_join!(biased; client.batch_execute("BEGIN"), lock, creation, which)?;
    let mut more = false;
    if let Some(found) = found {
        let (from, kept, last): (i64, Option<i64>, i64) =
            (found.try_get(0)?, found.try_get(1)?, found.try_get(2)?);
        let until = kept.unwrap_or(last + 1);
        more = kept.is_none() && last + 1 - from >= AT_ONCE;
        let clear = async { client.execute(&clear, &[&room, &from, &until]).await };
        let remember = async { client.execute(&remember, &[&room, &until]).await };
        tokio::try_join!(biased; clear, remember, client.batch_execute("COMMIT"))?;
    } else {
        client.batch_execute("COMMIT").await?;
    }
    session.keep();
    Ok(more)
}
