//! Table `message`: batches in, a screen's worth out.

use super::changes;
use super::outbox::{self, Receipt};
use super::rooms::{self, Reach, message_id, stored};
use crate::EngineError;
use crate::repository::{Change, ChangeState, DeliveryState, ItemKey, TimelineItem};
use chat_protocol::{Message, MessageId, Page, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, Row, params};

/// Stores the newest page of a room never seen before. A room that is known after all stays as it
/// is: the page may not continue from what is known.
pub(crate) fn apply_first_page(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    page: Page,
) -> Result<Change, EngineError> {
    if rooms::reach(connection, room)?.is_some() {
        return Ok(Change::default());
    }
    let floor = page.messages.first().map_or(1, |m| m.id.get());
    rooms::open_room(connection, room, page.cursor, floor, page.has_more)?;
    let below = outbox::settle_below(connection, room, floor)?;
    let mut change = store(connection, room, me, page.messages, true)?;
    rooms::recount(connection, room, me)?;
    change.reach = rooms::reach(connection, room)?;
    change.removed.extend(below);
    Ok(change)
}

/// Stores a page of changes and moves the cursor, in the caller's transaction. Tells what is new or
/// changed, in id order, without what was known already; unless it is not to `tell`, which costs less.
pub(crate) fn apply_page(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    page: Page,
    tell: bool,
) -> Result<Change, EngineError> {
    let mut change = store(connection, room, me, page.messages, tell)?;
    rooms::advance(connection, room, page.cursor)?;
    if rooms::has_reached_the_count(connection, room)? {
        rooms::recount(connection, room, me)?;
        change.reach = rooms::reach(connection, room)?;
    }
    Ok(change)
}

/// Stores messages ahead of the cursor: the newest ones, while those between are still to come. What
/// is missing between is missing by number, and a screen shows it so.
pub(crate) fn apply_ahead(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    messages: Vec<Message>,
) -> Result<Change, EngineError> {
    store(connection, room, me, messages, true)
}

/// Begins a room anew from its newest page: more was missed than is kept of a room at all. What is
/// unsent stays.
pub(crate) fn begin_anew(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    page: Page,
) -> Result<Change, EngineError> {
    connection.prepare_cached("DELETE FROM message WHERE room = ?1")?.execute([room.get()])?;
    let floor = page.messages.first().map_or(1, |m| m.id.get());
    rooms::set_floor(connection, room, floor, page.has_more)?;
    rooms::recount(connection, room, me)?;
    let below = outbox::settle_below(connection, room, floor)?;
    let mut change = apply_page(connection, room, me, page, true)?;
    rooms::recount(connection, room, me)?;
    change.reach = rooms::reach(connection, room)?;
    change.removed.extend(below);
    Ok(change)
}

/// Stores a page of history, which has to end right below the floor, and lowers the floor. Tells
/// whether it did: of a floor that has moved meanwhile, the page says nothing.
pub(crate) fn apply_history(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    before: MessageId,
    page: Page,
) -> Result<Option<Change>, EngineError> {
    if rooms::reach(connection, room)?.is_none_or(|reach| reach.floor != before.get()) {
        return Ok(None);
    }
    let floor = page.messages.first().map_or(1, |m| m.id.get());
    let Change { removed, wished, .. } = store(connection, room, me, page.messages, true)?;
    rooms::set_floor(connection, room, floor, page.has_more)?;
    rooms::recount(connection, room, me)?;
    Ok(Some(Change { upserted: Vec::new(), removed, reach: rooms::reach(connection, room)?, wished }))
}

/// Lets go of the oldest messages beyond the newest `keep`, should there be many of them. Tells whether it did.
pub(crate) fn trim(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    keep: i64,
) -> Result<bool, EngineError> {
    let Some(reach) = rooms::reach(connection, room)? else { return Ok(false) };
    let floor = newest_id(connection, room)? - keep + 1;
    // A tenth more is let be, so that a lively room is not trimmed at every opening.
    if floor - reach.floor <= keep / 10 {
        return Ok(false);
    }
    connection
        .prepare_cached("DELETE FROM message WHERE room = ?1 AND id < ?2")?
        .execute([room.get(), floor])?;
    rooms::set_floor(connection, room, floor, true)?;
    rooms::recount(connection, room, me)?;
    Ok(true)
}

/// The newest cached message's id, 0 without one.
pub(crate) fn newest_id(connection: &Connection, room: RoomId) -> Result<i64, EngineError> {
    Ok(connection
        .prepare_cached("SELECT coalesce(max(id), 0) FROM message WHERE room = ?1")?
        .query_row([room.get()], |row| row.get(0))?)
}

/// Stores messages, the highest `seq` winning; tells those that were news and lie above the floor, in
/// id order.
fn store(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    messages: Vec<Message>,
    tell: bool,
) -> Result<Change, EngineError> {
    let Some(Reach { floor, read_marker, .. }) = rooms::reach(connection, room)? else {
        return Ok(Change::default());
    };
    let mut receipts = outbox::receipts(connection, room)?;
    // The usual case, a message not known before, costs this one statement. (A RETURNING here would cost half as
    // much again: SQLite opens a table of its own for each.)
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (room, id, seq, sender, text, sent_at, edited_at, deleted, local_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )?;
    let mut upserted = Vec::with_capacity(if tell { messages.len() } else { 0 });
    let mut removed = Vec::new();
    let (mut unread, mut wished) = (0, false);
    for message in messages {
        let id = message.id.get();
        let own = message.sender == *me;
        let receipt = if own { take_receipt(&mut receipts, &message) } else { None };
        let inserted = insert.execute(params![
            room.get(),
            id,
            message.seq.get(),
            message.sender.as_str(),
            message.text,
            message.sent_at.as_millis(),
            message.edited_at.map(Timestamp::as_millis),
            message.deleted,
            receipt.as_ref().map(|r| r.local_key),
        ])?;
        let known = if inserted == 1 { None } else { find_version(connection, room, message.id)? };
        if let Some(receipt) = &receipt {
            outbox::settle(connection, room, receipt, message.id)?;
            wished |= changes::is_wished(connection, room, message.id)?;
            // The row of before, under whichever key; it comes again below if it is still to be seen.
            removed.push(ItemKey::local(receipt.local_key));
            if known.is_some() {
                set_local_key(connection, room, message.id, receipt.local_key)?;
                removed.push(ItemKey::of(message.id, known.as_ref().and_then(|k| k.local_key)));
            }
        }
        let local_key = receipt.map(|r| r.local_key).or(known.as_ref().and_then(|k| k.local_key));
        if known.as_ref().is_some_and(|k| k.seq >= message.seq.get()) {
            // This version or a later one is here.
            if id >= floor && !removed.is_empty() && local_key.is_some() {
                upserted.extend(find(connection, room, message.id, me)?);
            }
            continue;
        }
        if message.deleted {
            changes::forget_refused(connection, room, message.id)?;
        }
        if known.is_some() {
            update(connection, room, &message)?;
        }
        if id < floor {
            continue; // kept for when history reaches it
        }
        if !own && id > read_marker {
            unread += i64::from(!message.deleted) - i64::from(known.is_some_and(|k| !k.deleted));
        }
        if tell {
            upserted.push(item(message, local_key, me));
        }
    }
    rooms::add_unread(connection, room, unread)?;
    // A page is in the order of changes; a screen is in the order of messages.
    upserted.sort_by_key(|item| item.id);
    if tell {
        changes::overlay(connection, room, &mut upserted)?;
    }
    removed.retain(|key| upserted.iter().all(|item| item.key != *key));
    Ok(Change { upserted, removed, reach: rooms::reach(connection, room)?, wished })
}

/// Of a message that is cached: which version, and what it was written under.
struct Known {
    seq: i64,
    deleted: bool,
    local_key: Option<i64>,
}

fn find_version(connection: &Connection, room: RoomId, id: MessageId) -> Result<Option<Known>, EngineError> {
    let mut statement = connection
        .prepare_cached("SELECT seq, deleted, local_key FROM message WHERE room = ?1 AND id = ?2")?;
    let mut rows = statement.query([room.get(), id.get()])?;
    Ok(match rows.next()? {
        Some(row) => Some(Known { seq: row.get(0)?, deleted: row.get(1)?, local_key: row.get(2)? }),
        None => None,
    })
}

fn update(connection: &Connection, room: RoomId, message: &Message) -> Result<(), EngineError> {
    connection
        .prepare_cached(
            "UPDATE message SET seq = ?3, text = ?4, edited_at = ?5, deleted = ?6
             WHERE room = ?1 AND id = ?2",
        )?
        .execute(params![
            room.get(),
            message.id.get(),
            message.seq.get(),
            message.text,
            message.edited_at.map(Timestamp::as_millis),
            message.deleted,
        ])?;
    Ok(())
}

fn take_receipt(receipts: &mut Vec<Receipt>, message: &Message) -> Option<Receipt> {
    let at = receipts.iter().position(|r| {
        message.transaction_id.as_ref().is_some_and(|t| t.as_str() == r.transaction)
            || r.message_id == Some(message.id)
    })?;
    Some(receipts.swap_remove(at))
}

/// A message as the screen shows it, if it is cached.
pub(crate) fn find(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
    me: &UserId,
) -> Result<Option<TimelineItem>, EngineError> {
    let mut statement = connection.prepare_cached(&select("room = ?1 AND id = ?2"))?;
    let mut rows = statement.query([room.get(), id.get()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut items = [read(row, me)?];
    changes::overlay(connection, room, &mut items)?;
    let [item] = items;
    Ok(Some(item))
}

/// The id of the confirmed message that was written under an outbox key.
pub(crate) fn id_of(
    connection: &Connection,
    room: RoomId,
    local_key: i64,
) -> Result<Option<MessageId>, EngineError> {
    // Newest first: what a user acts upon by such a key was written a moment ago.
    let mut statement = connection.prepare_cached(
        "SELECT id FROM message WHERE room = ?1 AND local_key = ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let mut rows = statement.query([room.get(), local_key])?;
    rows.next()?.map(|row| message_id(row.get(0)?)).transpose()
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

/// Up to `limit` messages from the id `from` up and below `below`, the newest of them, in id order.
pub(crate) fn newest(
    connection: &Connection,
    room: RoomId,
    me: &UserId,
    ids: std::ops::Range<i64>,
    limit: usize,
) -> Result<Vec<TimelineItem>, EngineError> {
    let mut statement =
        connection.prepare_cached(&select("room = ?1 AND id >= ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4"))?;
    let mut rows = statement.query(params![room.get(), ids.start, ids.end, limit as i64])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row, me)?);
    }
    items.reverse();
    changes::overlay(connection, room, &mut items)?;
    Ok(items)
}

/// The columns of a message, in the order that [`read_message`] reads them.
pub(super) const MESSAGE_COLUMNS: &str = "id, seq, sender, text, sent_at, edited_at, deleted";

fn select(condition: &str) -> String {
    format!("SELECT {MESSAGE_COLUMNS}, local_key FROM message WHERE {condition}")
}

/// A message out of [`MESSAGE_COLUMNS`], which begin at column `first`.
pub(super) fn read_message(row: &Row<'_>, first: usize) -> Result<Message, EngineError> {
    Ok(Message {
        id: message_id(row.get(first)?)?,
        seq: stored(Seq::new(row.get(first + 1)?))?,
        sender: stored(UserId::new(row.get::<_, String>(first + 2)?))?,
        text: row.get(first + 3)?,
        sent_at: Timestamp::from_millis(row.get(first + 4)?),
        edited_at: row.get::<_, Option<i64>>(first + 5)?.map(Timestamp::from_millis),
        deleted: row.get(first + 6)?,
        transaction_id: None,
    })
}

fn read(row: &Row<'_>, me: &UserId) -> Result<TimelineItem, EngineError> {
    Ok(item(read_message(row, 0)?, row.get(7)?, me))
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
        change: ChangeState::None,
    }
}

#[cfg(test)]
mod tests;
