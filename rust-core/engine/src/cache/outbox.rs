//! Table `outbox`: what the user wrote and polling has not brought back yet.

use super::changes;
use super::drafts;
use super::messages;
use super::rooms::{self, message_id, stored};
use crate::EngineError;
use crate::repository::{Change, ChangeState, DeliveryState, FailureReason, ItemKey, TimelineItem};
use chat_protocol::{Message, MessageId, MessageText, RoomId, Timestamp, TransactionId, UserId};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

/// What is to be sent next.
pub(crate) struct Outgoing {
    pub(crate) local_key: i64,
    pub(crate) transaction: TransactionId,
    pub(crate) text: String,
    pub(crate) may_have_arrived: bool,
    pub(crate) schedule: Schedule,
}

/// When something may be tried again; kept over restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Tries so far.
    pub(crate) attempts: u32,
    /// Not before, unless something wakes us. Milliseconds since 1970, by this device's clock.
    pub(crate) next_try_at: i64,
    /// Not before, whatever happens: the server's `Retry-After`.
    pub(crate) not_before: i64,
}

/// What identifies a message of ours when it comes back.
pub(crate) struct Receipt {
    pub(crate) local_key: i64,
    pub(crate) transaction: String,
    pub(crate) message_id: Option<MessageId>,
    edited: bool,
}

// Column `state`. Sending is stored too: after a crash it means "may have arrived", and is sent again under the same key.
pub(super) const PENDING: i64 = 0;
pub(super) const SENDING: i64 = 1;
const SENT: i64 = 2;
pub(super) const FAILED: i64 = 3;

/// Adds a message, which may have been the draft; returns it as the screen shows it at once.
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
    let key = connection.last_insert_rowid();
    drafts::sent(connection, room, text)?;
    item(connection, key, me)
}

/// The oldest message of a room that still has to be sent, of those written after `behind`.
pub(crate) fn next(
    connection: &Connection,
    room: RoomId,
    behind: i64,
) -> Result<Option<Outgoing>, EngineError> {
    let mut statement = connection.prepare_cached(
        "SELECT local_key, transaction_id, text, may_have_arrived, attempts, next_try_at, not_before
         FROM outbox WHERE room = ?1 AND state IN (0, 1) AND local_key > ?2 ORDER BY local_key LIMIT 1",
    )?;
    let mut rows = statement.query([room.get(), behind])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Outgoing {
        local_key: row.get(0)?,
        transaction: stored(TransactionId::new(row.get::<_, String>(1)?))?,
        text: row.get(2)?,
        may_have_arrived: row.get(3)?,
        schedule: Schedule { attempts: row.get(4)?, next_try_at: row.get(5)?, not_before: row.get(6)? },
    }))
}

/// Rooms that have something to send: messages, changes, or how far they are read.
pub(crate) fn rooms_with_work(connection: &Connection) -> Result<Vec<RoomId>, EngineError> {
    let mut statement = connection.prepare_cached(
        "SELECT room FROM outbox WHERE state IN (0, 1)
         UNION SELECT room FROM change WHERE state IN (0, 1)
         UNION SELECT id FROM room WHERE read_marker > read_sent",
    )?;
    let rooms = statement.query_map([], |row| row.get::<_, i64>(0))?;
    rooms.map(|room| stored(RoomId::new(room?))).collect()
}

/// A try begins. Until it is known to have failed on the way, it may have arrived.
pub(crate) fn mark_sending(
    connection: &Connection,
    key: i64,
    me: &UserId,
) -> Result<TimelineItem, EngineError> {
    let sql =
        "UPDATE outbox SET state = 1, attempts = attempts + 1, may_have_arrived = 1 WHERE local_key = ?1";
    set(connection, sql, [key])?;
    item(connection, key, me)
}

/// A try brought nothing, another will follow.
pub(crate) fn mark_pending(
    connection: &Connection,
    key: i64,
    me: &UserId,
    may_have_arrived: bool,
    schedule: Schedule,
) -> Result<Change, EngineError> {
    set(
        connection,
        "UPDATE outbox SET state = 0, failure = NULL, may_have_arrived = ?2, next_try_at = ?3, not_before = ?4
         WHERE local_key = ?1",
        params![key, may_have_arrived, schedule.next_try_at, schedule.not_before],
    )?;
    fulfil(connection, key, me, may_have_arrived)
}

/// The server will not take it.
pub(crate) fn mark_failed(
    connection: &Connection,
    key: i64,
    me: &UserId,
    may_have_arrived: bool,
    reason: FailureReason,
) -> Result<Change, EngineError> {
    let sql = "UPDATE outbox SET state = 3, failure = ?2, may_have_arrived = ?3 WHERE local_key = ?1";
    set(connection, sql, params![key, reason.code(), may_have_arrived])?;
    fulfil(connection, key, me, may_have_arrived)
}

/// Does here what was wished for a message while it was on its way, now that it is certain that it has
/// not arrived; tells how it stands.
fn fulfil(
    connection: &Connection,
    key: i64,
    me: &UserId,
    may_have_arrived: bool,
) -> Result<Change, EngineError> {
    match changes::wish_for(connection, key)?.filter(|_| !may_have_arrived) {
        Some(Some(text)) => {
            changes::forget(connection, key)?;
            Ok(rewrite(connection, key, me, &text)?.into())
        }
        Some(None) => take_back(connection, key),
        None => Ok(item(connection, key, me)?.into()),
    }
}

/// Drops a message that is not on the server, and what was wished for it.
pub(super) fn take_back(connection: &Connection, key: i64) -> Result<Change, EngineError> {
    remove(connection, key)?;
    Ok(Change { removed: vec![ItemKey::local(key)], ..Change::default() })
}

/// The server has it. It stays in the outbox until polling brings it, in its place among the
/// others; showing it there before would show a hole as if there were none.
pub(crate) fn mark_sent(
    connection: &Connection,
    room: RoomId,
    key: i64,
    me: &UserId,
    id: MessageId,
) -> Result<Change, EngineError> {
    let Some(receipt) = receipts(connection, room)?.into_iter().find(|r| r.local_key == key) else {
        return Ok(Change::default()); // polling was faster and knew it by its transaction id
    };
    // Under its key the server has this very text, else it would have said so.
    let receipt = Receipt { edited: false, ..receipt };
    let reach = rooms::reach(connection, room)?;
    let Some(known) = messages::find(connection, room, id, me)? else {
        // Older than what is cached, so polling will never bring it: it is history now.
        if reach.is_some_and(|reach| id.get() < reach.floor) {
            settle(connection, room, &receipt, id)?;
            return Ok(Change { removed: vec![ItemKey::local(key)], ..Change::default() });
        }
        changes::resolve(connection, room, key, id)?;
        let sql = "UPDATE outbox SET state = 2, message_id = ?2, edited = 0 WHERE local_key = ?1";
        set(connection, sql, [key, id.get()])?;
        return Ok(item(connection, key, me)?.into());
    };
    settle(connection, room, &receipt, id)?;
    if known.own && known.key == ItemKey::of(id, None) {
        // Polling was faster, and the server tells no transaction ids: here the two become one.
        messages::set_local_key(connection, room, id, key)?;
    }
    let mut removed = vec![ItemKey::local(key), known.key];
    let upserted: Vec<_> = match reach {
        Some(reach) if id.get() >= reach.floor => messages::find(connection, room, id, me)?,
        _ => None,
    }
    .into_iter()
    .collect();
    removed.retain(|key| upserted.iter().all(|item| item.key != *key));
    Ok(Change { upserted, removed, ..Change::default() })
}

/// A message of the outbox is now message `id` of its room: the row goes, and what was wished for it
/// since becomes a wish for the message.
pub(super) fn settle(
    connection: &Connection,
    room: RoomId,
    receipt: &Receipt,
    id: MessageId,
) -> Result<(), EngineError> {
    let key = receipt.local_key;
    changes::resolve(connection, room, key, id)?;
    if receipt.edited && !changes::is_wished(connection, room, id)? {
        let text: String = connection
            .prepare_cached("SELECT text FROM outbox WHERE local_key = ?1")?
            .query_row([key], |row| row.get(0))?;
        changes::wish_for_message(connection, room, id, Some(&text))?;
    }
    remove(connection, key)
}

/// How an item of the outbox may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grip {
    /// It is certainly not on the server: it can be edited and taken back here.
    Here,
    /// It was refused.
    Refused,
    /// It may have arrived, or has: what is wished for it goes after it.
    OnItsWay,
}

/// The grip on an outbox item, if there is one by this key in the room.
pub(super) fn grip(connection: &Connection, room: RoomId, key: i64) -> Result<Option<Grip>, EngineError> {
    Ok(connection
        .prepare_cached("SELECT state, may_have_arrived FROM outbox WHERE local_key = ?1 AND room = ?2")?
        .query_row([key, room.get()], |row| {
            Ok(match (row.get(0)?, row.get(1)?) {
                (FAILED, _) => Grip::Refused,
                (PENDING, false) => Grip::Here,
                _ => Grip::OnItsWay,
            })
        })
        .optional()?)
}

/// Puts another text in the place of one that is not on the server, or was refused, and sends it.
/// The transaction id stays: should the text of before be there after all, the server says so instead
/// of storing both.
pub(super) fn rewrite(
    connection: &Connection,
    key: i64,
    me: &UserId,
    text: &str,
) -> Result<TimelineItem, EngineError> {
    set(
        connection,
        "UPDATE outbox SET text = ?2, state = 0, failure = NULL, edited = may_have_arrived, attempts = 0,
             next_try_at = 0 WHERE local_key = ?1",
        params![key, text],
    )?;
    item(connection, key, me)
}

/// A refused message is to be sent again. Tells `None` when there is no such one.
pub(super) fn retry(
    connection: &Connection,
    room: RoomId,
    key: i64,
    me: &UserId,
) -> Result<Option<TimelineItem>, EngineError> {
    let sql = "UPDATE outbox SET state = 0, failure = NULL, attempts = 0, next_try_at = 0
               WHERE local_key = ?1 AND room = ?2 AND state = 3";
    match set(connection, sql, [key, room.get()]) {
        Ok(()) => item(connection, key, me).map(Some),
        Err(EngineError::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// A sent message, not brought back by polling yet, has been changed on the server meanwhile.
pub(super) fn follow(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    message: &Message,
) -> Result<Change, EngineError> {
    let key: Option<i64> = connection
        .prepare_cached(
            "UPDATE outbox SET text = ?3 WHERE room = ?1 AND message_id = ?2 RETURNING local_key",
        )?
        .query_row(params![room.get(), message.id.get(), message.text], |row| row.get(0))
        .optional()?;
    match key {
        Some(key) if message.deleted => {
            take_back(connection, key) // the tombstone comes by polling
        }
        Some(key) => Ok(item(connection, key, me)?.into()),
        None => Ok(Change::default()),
    }
}

/// Drops a message, and what was wished for it.
pub(super) fn remove(connection: &Connection, key: i64) -> Result<(), EngineError> {
    connection.prepare_cached("DELETE FROM outbox WHERE local_key = ?1")?.execute([key])?;
    changes::forget(connection, key)
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

/// Everything of a room that may come back as a message.
pub(super) fn receipts(connection: &Connection, room: RoomId) -> Result<Vec<Receipt>, EngineError> {
    let mut statement = connection
        .prepare_cached("SELECT local_key, transaction_id, message_id, edited FROM outbox WHERE room = ?1")?;
    let mut rows = statement.query([room.get()])?;
    let mut receipts = Vec::new();
    while let Some(row) = rows.next()? {
        receipts.push(Receipt {
            local_key: row.get(0)?,
            transaction: row.get(1)?,
            message_id: row.get::<_, Option<i64>>(2)?.map(message_id).transpose()?,
            edited: row.get(3)?,
        });
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
    changes::overlay(connection, room, &mut items)?;
    Ok(items)
}

/// Changes one row, which has to be there.
pub(super) fn set(connection: &Connection, sql: &str, params: impl Params) -> Result<(), EngineError> {
    match connection.prepare_cached(sql)?.execute(params)? {
        0 => Err(EngineError::NotFound),
        _ => Ok(()),
    }
}

const SELECT: &str = "SELECT local_key, text, written_at, state, failure, room FROM outbox";

/// An item of the outbox, as the screen shows it.
pub(super) fn item(connection: &Connection, key: i64, me: &UserId) -> Result<TimelineItem, EngineError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE local_key = ?1"))?;
    let mut rows = statement.query([key])?;
    let row = rows.next()?.ok_or(EngineError::NotFound)?;
    let mut items = [read(row, me)?];
    changes::overlay(connection, stored(RoomId::new(row.get(5)?))?, &mut items)?;
    let [item] = items;
    Ok(item)
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
        change: ChangeState::None,
    })
}
