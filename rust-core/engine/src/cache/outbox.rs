//! Table `outbox`: what the user wrote and polling has not brought back yet.

use super::messages;
use super::rooms::{self, message_id, stored};
use crate::EngineError;
use crate::repository::{DeliveryState, FailureReason, ItemKey, TimelineItem, TimelineUpdate};
use chat_protocol::{MessageId, MessageText, RoomId, Timestamp, TransactionId, UserId};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

/// What is to be sent next.
pub(crate) struct Outgoing {
    pub(crate) local_key: i64,
    pub(crate) transaction: TransactionId,
    pub(crate) text: String,
}

/// What identifies a message of ours when it comes back.
pub(crate) struct Receipt {
    pub(crate) local_key: i64,
    pub(crate) transaction: String,
    pub(crate) message_id: Option<MessageId>,
}

// Column `state`. Sending is stored too: after a crash it means "may have arrived", and is sent again under the same key.
const PENDING: i64 = 0;
const SENDING: i64 = 1;
const SENT: i64 = 2;
const FAILED: i64 = 3;

/// Adds a message; returns it as the screen shows it at once.
pub(crate) fn add(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    text: &MessageText,
    transaction: &TransactionId,
    now: Timestamp,
) -> Result<TimelineItem, EngineError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (room, transaction_id, text, written_at, state) VALUES (?1, ?2, ?3, ?4, 0)",
        )?
        .execute(params![room.get(), transaction.as_str(), text.as_str(), now.as_millis()])?;
    item(connection, connection.last_insert_rowid(), me)
}

/// The oldest message of a room that still has to be sent.
pub(crate) fn next(connection: &Connection, room: RoomId) -> Result<Option<Outgoing>, EngineError> {
    let row = connection
        .prepare_cached(
            "SELECT local_key, transaction_id, text FROM outbox WHERE room = ?1 AND state IN (0, 1)
             ORDER BY local_key LIMIT 1",
        )?
        .query_row([room.get()], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))
        .optional()?;
    row.map(|(local_key, transaction, text)| {
        Ok(Outgoing { local_key, transaction: stored(TransactionId::new(transaction))?, text })
    })
    .transpose()
}

/// Rooms that have something to send.
pub(crate) fn rooms_with_work(connection: &Connection) -> Result<Vec<RoomId>, EngineError> {
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT room FROM outbox WHERE state IN (0, 1)")?;
    let rooms = statement.query_map([], |row| row.get::<_, i64>(0))?;
    rooms.map(|room| stored(RoomId::new(room?))).collect()
}

/// A try begins.
pub(crate) fn mark_sending(
    connection: &Connection,
    key: i64,
    me: &UserId,
) -> Result<TimelineItem, EngineError> {
    set(connection, "UPDATE outbox SET state = 1, attempts = attempts + 1 WHERE local_key = ?1", [key])?;
    item(connection, key, me)
}

/// A try brought nothing, another will follow.
pub(crate) fn mark_pending(
    connection: &Connection,
    key: i64,
    me: &UserId,
) -> Result<TimelineItem, EngineError> {
    set(connection, "UPDATE outbox SET state = 0, failure = NULL WHERE local_key = ?1", [key])?;
    item(connection, key, me)
}

/// The server will not take it.
pub(crate) fn mark_failed(
    connection: &Connection,
    key: i64,
    me: &UserId,
    reason: FailureReason,
) -> Result<TimelineItem, EngineError> {
    set(connection, "UPDATE outbox SET state = 3, failure = ?2 WHERE local_key = ?1", (key, reason.code()))?;
    item(connection, key, me)
}

/// The server has it. It stays in the outbox until polling brings it, in its place among the
/// others; showing it there before would show a hole as if there were none.
pub(crate) fn mark_sent(
    connection: &Connection,
    room: RoomId,
    key: i64,
    me: &UserId,
    id: MessageId,
) -> Result<TimelineUpdate, EngineError> {
    let Some(known) = messages::find(connection, room, id, me)? else {
        // Older than what is cached, so polling will never bring it: it is history now.
        if rooms::reach(connection, room)?.is_some_and(|reach| id.get() < reach.floor) {
            remove(connection, key)?;
            return Ok(TimelineUpdate::Diff { upserted: Vec::new(), removed: vec![ItemKey::local(key)] });
        }
        let changed = connection
            .prepare_cached("UPDATE outbox SET state = 2, message_id = ?2 WHERE local_key = ?1")?
            .execute(params![key, id.get()])?;
        // Nothing to change: polling, or a crash, has settled it.
        return if changed == 0 {
            Ok(TimelineUpdate::default())
        } else {
            Ok(item(connection, key, me)?.into())
        };
    };
    if remove(connection, key)? == 0 {
        return Ok(TimelineUpdate::default()); // polling was faster and knew it by its transaction id
    }
    if known.key != ItemKey::of(id, None) {
        return Ok(TimelineUpdate::Diff { upserted: Vec::new(), removed: vec![ItemKey::local(key)] });
    }
    // Polling was faster, and the server tells no transaction ids: here the two become one.
    messages::set_local_key(connection, room, id, key)?;
    let merged = TimelineItem { key: ItemKey::local(key), ..known.clone() };
    Ok(TimelineUpdate::Diff { upserted: vec![merged], removed: vec![known.key] })
}

/// A failed message is to be sent again.
pub(crate) fn retry(
    connection: &Connection,
    room: RoomId,
    key: i64,
    me: &UserId,
) -> Result<TimelineItem, EngineError> {
    let sql = "UPDATE outbox SET state = 0, failure = NULL WHERE local_key = ?1 AND room = ?2 AND state = 3";
    set(connection, sql, (key, room.get()))?;
    item(connection, key, me)
}

/// Drops a failed message.
pub(crate) fn discard(connection: &Connection, room: RoomId, key: i64) -> Result<(), EngineError> {
    let sql = "DELETE FROM outbox WHERE local_key = ?1 AND room = ?2 AND state = 3";
    set(connection, sql, (key, room.get()))
}

/// Lets go of what was sent before the room was first looked at, and has become history by then.
pub(super) fn settle_below(
    connection: &Connection,
    room: RoomId,
    floor: i64,
) -> Result<Vec<ItemKey>, EngineError> {
    let mut statement = connection
        .prepare_cached("DELETE FROM outbox WHERE room = ?1 AND message_id < ?2 RETURNING local_key")?;
    let keys = statement.query_map(params![room.get(), floor], |row| row.get(0))?;
    keys.map(|key| Ok(ItemKey::local(key?))).collect()
}

pub(super) fn remove(connection: &Connection, key: i64) -> Result<usize, EngineError> {
    Ok(connection.prepare_cached("DELETE FROM outbox WHERE local_key = ?1")?.execute([key])?)
}

/// Everything of a room that may come back as a message: all that was tried, and all that failed
/// for an answer lost on the way.
pub(super) fn receipts(connection: &Connection, room: RoomId) -> Result<Vec<Receipt>, EngineError> {
    let mut statement = connection
        .prepare_cached("SELECT local_key, transaction_id, message_id FROM outbox WHERE room = ?1")?;
    let mut rows = statement.query([room.get()])?;
    let mut receipts = Vec::new();
    while let Some(row) = rows.next()? {
        let message_id = row.get::<_, Option<i64>>(2)?.map(message_id).transpose()?;
        receipts.push(Receipt { local_key: row.get(0)?, transaction: row.get(1)?, message_id });
    }
    Ok(receipts)
}

/// Everything in a room's outbox, oldest first.
pub(crate) fn unsent(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
) -> Result<Vec<TimelineItem>, EngineError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE room = ?1 ORDER BY local_key"))?;
    let mut rows = statement.query([room.get()])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row, me)?);
    }
    Ok(items)
}

/// Changes one row, which has to be there.
fn set(connection: &Connection, sql: &str, params: impl Params) -> Result<(), EngineError> {
    match connection.prepare_cached(sql)?.execute(params)? {
        0 => Err(EngineError::NotFound),
        _ => Ok(()),
    }
}

const SELECT: &str = "SELECT local_key, text, written_at, state, failure FROM outbox";

fn item(connection: &Connection, key: i64, me: &UserId) -> Result<TimelineItem, EngineError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE local_key = ?1"))?;
    let mut rows = statement.query([key])?;
    read(rows.next()?.ok_or(EngineError::NotFound)?, me)
}

fn read(row: &Row<'_>, me: &UserId) -> Result<TimelineItem, EngineError> {
    let state = match row.get::<_, i64>(3)? {
        PENDING => DeliveryState::Pending,
        SENDING => DeliveryState::Sending,
        SENT => DeliveryState::Sent,
        FAILED => DeliveryState::Failed(FailureReason::from_code(row.get(4)?)),
        other => {
            return Err(EngineError::Storage(format!("the cache holds an unknown outbox state {other}")));
        }
    };
    Ok(TimelineItem {
        key: ItemKey::local(row.get(0)?),
        id: None,
        seq: None,
        sender: me.clone(),
        own: true,
        text: row.get(1)?,
        sent_at: Timestamp::from_millis(row.get(2)?),
        edited: false,
        deleted: false,
        state,
    })
}
