//! Table `change`: edits and deletions of own messages that the server has not confirmed. They show at
//! once, over the message as it is; refused, they are taken off again.
//!
//! One row per message, the newest wish: who edits twice before the first edit is sent has it sent once.

use super::messages;
use super::outbox::{self, Grip, PENDING, SENDING, Schedule, set};
use super::rooms::{message_id, stored};
use crate::EngineError;
use crate::repository::{Change, ChangeState, FailureReason, ItemKey, TimelineItem};
use chat_protocol::{Message, MessageId, MessageText, RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, params};

/// A change to be sent next.
pub(crate) struct OutgoingChange {
    pub(crate) key: i64,
    pub(crate) message: MessageId,
    /// `None` deletes.
    pub(crate) text: Option<String>,
    version: i64,
    pub(crate) may_have_arrived: bool,
    pub(crate) schedule: Schedule,
}

/// The user wants an own message to say something else. Returns it as the screen shows it at once.
pub(crate) fn edit(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    key: ItemKey,
    text: &MessageText,
) -> Result<Change, EngineError> {
    if let Some((local, grip)) = in_outbox(connection, room, key)? {
        if grip == Grip::OnItsWay {
            wish_for_unsent(connection, room, local, Some(text.as_str()))?;
            return Ok(outbox::item(connection, local, me)?.into());
        }
        forget(connection, local)?; // what was wished for it while it was on its way
        return Ok(outbox::rewrite(connection, local, me, text.as_str())?.into());
    }
    let message = own(connection, room, me, key)?;
    wish_for_message(connection, room, message, Some(text.as_str()))?;
    shown(connection, room, me, message)
}

/// The user wants an own message gone.
pub(crate) fn delete(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    key: ItemKey,
) -> Result<Change, EngineError> {
    if let Some((local, grip)) = in_outbox(connection, room, key)? {
        if grip == Grip::OnItsWay {
            wish_for_unsent(connection, room, local, None)?;
            return Ok(outbox::item(connection, local, me)?.into());
        }
        return outbox::take_back(connection, local);
    }
    let message = own(connection, room, me, key)?;
    wish_for_message(connection, room, message, None)?;
    shown(connection, room, me, message)
}

/// Sends again what was refused: a message, or the change of one.
pub(crate) fn retry(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    key: ItemKey,
) -> Result<Change, EngineError> {
    if let Some(local) = key.outbox_key()
        && let Some(item) = outbox::retry(connection, room, local, me)?
    {
        return Ok(item.into());
    }
    let message = confirmed(connection, room, key)?;
    set(
        connection,
        "UPDATE change SET state = 0, failure = NULL, attempts = 0, next_try_at = 0
         WHERE room = ?1 AND message_id = ?2 AND state = 3",
        [room.get(), message.get()],
    )?;
    shown(connection, room, me, message)
}

/// Takes back a message that was not sent or was refused, or such a change of one.
pub(crate) fn discard(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    key: ItemKey,
) -> Result<Change, EngineError> {
    if let Some((local, grip)) = in_outbox(connection, room, key)? {
        if grip == Grip::OnItsWay {
            return Err(EngineError::TooLate);
        }
        return outbox::take_back(connection, local);
    }
    let message = confirmed(connection, room, key)?;
    let too_late: bool = connection
        .prepare_cached(
            "SELECT may_have_arrived AND state IN (0, 1) FROM change WHERE room = ?1 AND message_id = ?2",
        )?
        .query_row([room.get(), message.get()], |row| row.get(0))
        .optional()?
        .ok_or(EngineError::NotFound)?;
    if too_late {
        return Err(EngineError::TooLate);
    }
    connection
        .prepare_cached("DELETE FROM change WHERE room = ?1 AND message_id = ?2")?
        .execute([room.get(), message.get()])?;
    shown(connection, room, me, message)
}

fn in_outbox(
    connection: &Connection,
    room: RoomId,
    key: ItemKey,
) -> Result<Option<(i64, Grip)>, EngineError> {
    let Some(local) = key.outbox_key() else { return Ok(None) };
    Ok(outbox::grip(connection, room, local)?.map(|grip| (local, grip)))
}

fn confirmed(connection: &Connection, room: RoomId, key: ItemKey) -> Result<MessageId, EngineError> {
    match key.outbox_key() {
        Some(local) => messages::id_of(connection, room, local)?.ok_or(EngineError::NotFound),
        None => MessageId::new(key.get()).map_err(|_| EngineError::NotFound),
    }
}

/// A message that its sender may change: cached, own, not deleted.
fn own(connection: &Connection, room: RoomId, me: &UserId, key: ItemKey) -> Result<MessageId, EngineError> {
    let id = confirmed(connection, room, key)?;
    let item = messages::find(connection, room, id, me)?.ok_or(EngineError::NotFound)?;
    match (item.own, item.deleted) {
        (false, _) => Err(EngineError::NotTheSender),
        (true, true) => Err(EngineError::NotFound),
        (true, false) => Ok(id),
    }
}

fn shown(connection: &Connection, room: RoomId, me: &UserId, id: MessageId) -> Result<Change, EngineError> {
    let upserted = messages::find(connection, room, id, me)?.into_iter().collect();
    Ok(Change { upserted, ..Change::default() })
}

/// Whether something is wished for a message.
pub(super) fn is_wished(connection: &Connection, room: RoomId, id: MessageId) -> Result<bool, EngineError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM change WHERE room = ?1 AND message_id = ?2")?;
    Ok(statement.exists([room.get(), id.get()])?)
}

/// Notes a wish for a message of the room, in the place of an earlier one.
pub(super) fn wish_for_message(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
    text: Option<&str>,
) -> Result<(), EngineError> {
    connection
        .prepare_cached(
            "INSERT INTO change (room, message_id, text, version, state) VALUES (?1, ?2, ?3, 1, 0)
             ON CONFLICT (room, message_id) WHERE message_id IS NOT NULL DO UPDATE SET
                 text = excluded.text, version = version + 1, state = 0, attempts = 0, next_try_at = 0, failure = NULL",
        )?
        .execute(params![room.get(), id.get(), text])?;
    Ok(())
}

fn wish_for_unsent(
    connection: &Connection,
    room: RoomId,
    local_key: i64,
    text: Option<&str>,
) -> Result<(), EngineError> {
    let known = connection
        .prepare_cached("SELECT message_id FROM outbox WHERE local_key = ?1 AND message_id IS NOT NULL")?
        .query_row([local_key], |row| row.get::<_, i64>(0))
        .optional()?;
    if let Some(id) = known {
        wish_for_message(connection, room, message_id(id)?, text)?;
        // So that it shows on the outbox's row too, as long as that is what is on screen.
        connection
            .prepare_cached("UPDATE change SET local_key = ?3 WHERE room = ?1 AND message_id = ?2")?
            .execute([room.get(), id, local_key])?;
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO change (room, local_key, text, version, state) VALUES (?1, ?2, ?3, 1, 0)
             ON CONFLICT (local_key) WHERE message_id IS NULL DO UPDATE SET
                 text = excluded.text, version = version + 1, state = 0, attempts = 0, next_try_at = 0, failure = NULL",
        )?
        .execute(params![room.get(), local_key, text])?;
    Ok(())
}

/// The message written under `local_key` has become message `id`: what was wished for it can be sent.
pub(super) fn resolve(
    connection: &Connection,
    room: RoomId,
    local_key: i64,
    id: MessageId,
) -> Result<(), EngineError> {
    // Where the server tells no transaction ids, the message may have been on screen beside what it was
    // written as, and something been wished for either: the later wish counts.
    connection
        .prepare_cached(
            "DELETE FROM change WHERE room = ?1 AND (message_id = ?3 OR (local_key = ?2 AND message_id IS NULL))
             AND change_key < (SELECT max(change_key) FROM change
                               WHERE room = ?1 AND (message_id = ?3 OR (local_key = ?2 AND message_id IS NULL)))",
        )?
        .execute([room.get(), local_key, id.get()])?;
    connection
        .prepare_cached(
            "UPDATE change SET message_id = ?3 WHERE room = ?1 AND local_key = ?2 AND message_id IS NULL",
        )?
        .execute([room.get(), local_key, id.get()])?;
    Ok(())
}

/// What is wished for an unsent message: another text, or with `Some(None)` that it were gone.
pub(super) fn wish_for(
    connection: &Connection,
    local_key: i64,
) -> Result<Option<Option<String>>, EngineError> {
    Ok(connection
        .prepare_cached("SELECT text FROM change WHERE local_key = ?1 AND message_id IS NULL")?
        .query_row([local_key], |row| row.get(0))
        .optional()?)
}

/// The message is taken back: nothing is wished for it any more.
pub(super) fn forget(connection: &Connection, local_key: i64) -> Result<(), EngineError> {
    connection
        .prepare_cached("DELETE FROM change WHERE local_key = ?1 AND message_id IS NULL")?
        .execute([local_key])?;
    Ok(())
}

/// Forgets the refused change of a message that has been deleted: there is nothing left to retry.
pub(super) fn forget_refused(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
) -> Result<(), EngineError> {
    connection
        .prepare_cached("DELETE FROM change WHERE room = ?1 AND message_id = ?2 AND state = 3")?
        .execute([room.get(), id.get()])?;
    Ok(())
}

/// Puts what is wished over what is so.
pub(super) fn overlay(
    connection: &Connection,
    room: RoomId,
    items: &mut [TimelineItem],
) -> Result<(), EngineError> {
    let mut statement = connection
        .prepare_cached("SELECT message_id, local_key, text, state, failure FROM change WHERE room = ?1")?;
    let mut rows = statement.query([room.get()])?;
    while let Some(row) = rows.next()? {
        let id: Option<i64> = row.get(0)?;
        let local_key: Option<i64> = row.get(1)?;
        let is_meant = |item: &&mut TimelineItem| match item.id {
            Some(of) => id == Some(of.get()),
            None => local_key.is_some() && item.key.outbox_key() == local_key,
        };
        // Of a tombstone there is nothing to change; the server will say so.
        let Some(item) = items.iter_mut().find(is_meant).filter(|item| !item.deleted) else { continue };
        match row.get::<_, i64>(3)? {
            PENDING | SENDING => {
                item.change = ChangeState::Pending;
                match row.get::<_, Option<String>>(2)? {
                    Some(text) => {
                        item.text = text;
                        item.edited = true;
                    }
                    None => {
                        item.text.clear();
                        item.deleted = true;
                    }
                }
            }
            _ => item.change = ChangeState::Failed(FailureReason::from_code(row.get(4)?)),
        }
    }
    Ok(())
}

/// The oldest change of a room that can be sent.
pub(crate) fn next(connection: &Connection, room: RoomId) -> Result<Option<OutgoingChange>, EngineError> {
    let mut statement = connection.prepare_cached(
        "SELECT change_key, message_id, text, version, attempts, next_try_at, not_before, may_have_arrived FROM change
         WHERE room = ?1 AND state IN (0, 1) AND message_id IS NOT NULL ORDER BY change_key LIMIT 1",
    )?;
    let mut rows = statement.query([room.get()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(OutgoingChange {
        key: row.get(0)?,
        message: stored(MessageId::new(row.get(1)?))?,
        text: row.get(2)?,
        version: row.get(3)?,
        schedule: Schedule { attempts: row.get(4)?, next_try_at: row.get(5)?, not_before: row.get(6)? },
        may_have_arrived: row.get(7)?,
    }))
}

/// A try begins.
pub(crate) fn mark_sending(connection: &Connection, change: &OutgoingChange) -> Result<(), EngineError> {
    connection
        .prepare_cached(
            "UPDATE change SET state = 1, attempts = attempts + 1, may_have_arrived = 1
             WHERE change_key = ?1 AND version = ?2",
        )?
        .execute([change.key, change.version])?;
    Ok(())
}

/// A try brought nothing, another will follow.
pub(crate) fn mark_pending(
    connection: &Connection,
    change: &OutgoingChange,
    may_have_arrived: bool,
    schedule: Schedule,
) -> Result<(), EngineError> {
    connection
        .prepare_cached(
            "UPDATE change SET state = 0, next_try_at = ?3, not_before = ?4, may_have_arrived = ?5
             WHERE change_key = ?1 AND version = ?2",
        )?
        .execute(params![
            change.key,
            change.version,
            schedule.next_try_at,
            schedule.not_before,
            may_have_arrived
        ])?;
    Ok(())
}

/// The server has it: the message is as it says. A newer wish stays.
pub(crate) fn confirm(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    change: &OutgoingChange,
    message: Message,
) -> Result<Change, EngineError> {
    drop_wish(connection, change)?;
    if messages::find(connection, room, message.id, me)?.is_none() {
        return outbox::follow(connection, room, me, &message);
    }
    let id = message.id;
    let mut stored = messages::apply_ahead(connection, room, me, vec![message])?;
    if stored.upserted.is_empty() && stored.reach.is_some_and(|reach| id.get() >= reach.floor) {
        stored.upserted.extend(messages::find(connection, room, id, me)?);
    }
    Ok(stored)
}

/// The server will not have it: it is taken off the message, and kept as refused, unless there is
/// nothing left to change.
pub(crate) fn refuse(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    change: &OutgoingChange,
    reason: Option<FailureReason>,
) -> Result<Change, EngineError> {
    match reason {
        Some(reason) => {
            connection
                .prepare_cached(
                    "UPDATE change SET state = 3, failure = ?3 WHERE change_key = ?1 AND version = ?2",
                )?
                .execute([change.key, change.version, reason.code()])?;
        }
        None => drop_wish(connection, change)?,
    }
    shown(connection, room, me, change.message)
}

fn drop_wish(connection: &Connection, change: &OutgoingChange) -> Result<(), EngineError> {
    connection
        .prepare_cached("DELETE FROM change WHERE change_key = ?1 AND version = ?2")?
        .execute([change.key, change.version])?;
    Ok(())
}

#[cfg(test)]
mod tests;
