//! Table `message`: batches in, a screen's worth out.

use super::outbox::{self, Receipt};
use super::rooms::{self, Reach, message_id, stored};
use crate::EngineError;
use crate::repository::{DeliveryState, ItemKey, TimelineItem, TimelineUpdate};
use chat_protocol::{Message, MessageId, Page, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, Row, params};

/// Stores the first page of a room never seen before. A room that is known after all stays as it
/// is: the page may not continue from what is known.
pub(crate) fn apply_first_page(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    page: Page,
) -> Result<TimelineUpdate, EngineError> {
    if rooms::reach(connection, room)?.is_some() {
        return Ok(TimelineUpdate::default());
    }
    let floor = page.messages.first().map_or(1, |m| m.id.get());
    rooms::open_room(connection, room, Reach { cursor: page.cursor, floor, has_older: page.has_more })?;
    let below = outbox::settle_below(connection, room, floor)?;
    let upserted = apply(connection, room, me, floor, page)?;
    Ok(TimelineUpdate::Diff { upserted, removed: below })
}

/// Stores a page of changes and moves the cursor, in the caller's transaction. Tells what is new or
/// changed, in id order, without what was known already.
pub(crate) fn apply_page(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    page: Page,
) -> Result<TimelineUpdate, EngineError> {
    let floor = rooms::reach(connection, room)?.map_or(1, |reach| reach.floor);
    Ok(TimelineUpdate::Diff { upserted: apply(connection, room, me, floor, page)?, removed: Vec::new() })
}

fn apply(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    floor: i64,
    page: Page,
) -> Result<Vec<TimelineItem>, EngineError> {
    let mut receipts = outbox::receipts(connection, room)?;
    let mut upsert = connection.prepare_cached(
        "INSERT INTO message (room, id, seq, sender, text, sent_at, edited_at, deleted, local_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (room, id) DO UPDATE SET
             seq = excluded.seq, text = excluded.text, edited_at = excluded.edited_at, deleted = excluded.deleted,
             local_key = coalesce(message.local_key, excluded.local_key)
         WHERE excluded.seq > message.seq
         RETURNING local_key",
    )?;
    let mut upserted = Vec::with_capacity(page.messages.len());
    for message in page.messages {
        if message.id.get() < floor {
            continue;
        }
        let receipt = if message.sender == *me { take_receipt(&mut receipts, &message) } else { None };
        let mut rows = upsert.query(params![
            room.get(),
            message.id.get(),
            message.seq.get(),
            message.sender.as_str(),
            message.text,
            message.sent_at.as_millis(),
            message.edited_at.map(Timestamp::as_millis),
            message.deleted,
            receipt.as_ref().map(|r| r.local_key),
        ])?;
        let local_key: Option<i64> = match rows.next()? {
            Some(row) => row.get(0)?,
            None => continue, // this version or a later one was here
        };
        drop(rows);
        if let Some(receipt) = receipt {
            outbox::remove(connection, receipt.local_key)?;
        }
        upserted.push(item(message, local_key, me));
    }
    rooms::advance(connection, room, page.cursor)?;
    // A page is in the order of changes; a screen is in the order of messages.
    upserted.sort_by_key(|item| item.id);
    Ok(upserted)
}

fn take_receipt(receipts: &mut Vec<Receipt>, message: &Message) -> Option<Receipt> {
    let at = receipts.iter().position(|r| {
        message.transaction_id.as_ref().is_some_and(|t| t.as_str() == r.transaction)
            || r.message_id == Some(message.id)
    })?;
    Some(receipts.swap_remove(at))
}

/// A message, if it is cached.
pub(super) fn find(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
    me: &UserId,
) -> Result<Option<TimelineItem>, EngineError> {
    let mut statement = connection.prepare_cached(&select("room = ?1 AND id = ?2"))?;
    let mut rows = statement.query([room.get(), id.get()])?;
    rows.next()?.map(|row| read(row, me)).transpose()
}

/// Gives a cached message the key it was written under.
pub(super) fn set_local_key(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
    key: i64,
) -> Result<(), EngineError> {
    connection
        .prepare_cached("UPDATE message SET local_key = ?3 WHERE room = ?1 AND id = ?2")?
        .execute(params![room.get(), id.get(), key])?;
    Ok(())
}

/// The newest `limit` messages from the id `from` up, in id order, and whether there are older
/// ones, here or on the server.
pub(crate) fn newest(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    from: i64,
    limit: usize,
) -> Result<(Vec<TimelineItem>, bool), EngineError> {
    let Some(reach) = rooms::reach(connection, room)? else { return Ok((Vec::new(), false)) };
    let mut statement =
        connection.prepare_cached(&select("room = ?1 AND id >= ?2 ORDER BY id DESC LIMIT ?3"))?;
    let mut rows = statement.query(params![room.get(), reach.floor.max(from), limit as i64])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row, me)?);
    }
    items.reverse();
    let first = items.first().and_then(|item| item.id).map_or(reach.floor, |id| id.get());
    Ok((items, reach.has_older || first > reach.floor))
}

fn select(condition: &str) -> String {
    format!(
        "SELECT id, seq, sender, text, sent_at, edited_at, deleted, local_key FROM message WHERE {condition}"
    )
}

fn read(row: &Row<'_>, me: &UserId) -> Result<TimelineItem, EngineError> {
    let message = Message {
        id: message_id(row.get(0)?)?,
        seq: stored(Seq::new(row.get(1)?))?,
        sender: stored(UserId::new(row.get::<_, String>(2)?))?,
        text: row.get(3)?,
        sent_at: Timestamp::from_millis(row.get(4)?),
        edited_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
        deleted: row.get(6)?,
        transaction_id: None,
    };
    let local_key = row.get(7)?;
    Ok(item(message, local_key, me))
}

fn item(message: Message, local_key: Option<i64>, me: &UserId) -> TimelineItem {
    TimelineItem {
        key: ItemKey::of(message.id, local_key),
        id: Some(message.id),
        seq: Some(message.seq),
        own: message.sender == *me,
        sender: message.sender,
        text: message.text,
        sent_at: message.sent_at,
        edited: message.edited_at.is_some(),
        deleted: message.deleted,
        state: DeliveryState::Confirmed,
    }
}

#[cfg(test)]
mod tests;
