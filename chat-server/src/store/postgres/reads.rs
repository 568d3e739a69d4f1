//! What is read: one statement each, which is one snapshot, so that the right to see a page, the page and its
//! cursor are of one moment. An idle poll is one round trip and looks at two rows.

use super::pool::{Failure, Pool};
use super::rows::{message, message_with_key, stored};
use super::sql;
use crate::store::error::StoreError;
use crate::store::model::{Budget, Changes, Missed, PAGE_BYTES, PageRequest};
use chat_protocol::limits::MAX_PAGE;
use chat_protocol::{Message, MessageId, Page, ReadMarker, RoomId, RoomSummary, Seq, UserId};
use std::collections::HashSet;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

pub(super) async fn rooms_of(pool: &Pool, user: &UserId) -> Result<Vec<RoomSummary>, StoreError> {
    let rows = pool.counted_rows(sql::ROOMS_OF, &[&user.as_str()]).await?;
    let summary = |row: &Row| -> Result<RoomSummary, Failure> {
        let marker: Option<i64> = row.try_get(3)?;
        let last: Option<i64> = row.try_get(4)?;
        Ok(RoomSummary {
            id: stored(RoomId::new(row.try_get(0)?))?,
            title: row.try_get(1)?,
            unread: row.try_get(2)?,
            read_marker: marker.map(|id| stored(MessageId::new(id))).transpose()?,
            last_message: last.map(|_| message(row, 4, user)).transpose()?,
        })
    };
    let mut rooms = rows.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
    rooms.sort_by_key(|room| room.id);
    Ok(rooms)
}

pub(super) async fn page(
    pool: &Pool,
    room: RoomId,
    reader: &UserId,
    request: PageRequest,
) -> Result<Option<Page>, StoreError> {
    match request {
        PageRequest::After { cursor, limit } => {
            Ok(missed(pool, room, reader, cursor, (limit, PAGE_BYTES)).await?.page)
        }
        PageRequest::Before { id, limit } => history(pool, room, reader, id.get(), limit).await.map(Some),
        PageRequest::Newest { limit } => history(pool, room, reader, i64::MAX, limit).await.map(Some),
    }
}

pub(super) async fn missed(
    pool: &Pool,
    room: RoomId,
    reader: &UserId,
    cursor: Seq,
    (limit, bytes): (u32, usize),
) -> Result<Missed, StoreError> {
    let (limit, most) = (i64::from(limit), weight(bytes));
    let params: [&(dyn ToSql + Sync); 5] = [&room.get(), &reader.as_str(), &cursor.get(), &limit, &most];
    let rows = pool.rows(sql::PAGE_AFTER, &params).await?;
    let head = Head::of(&rows)?;
    if cursor > head.last_seq {
        return Err(StoreError::CursorAhead { newest: head.last_seq });
    }
    let page = if cursor == head.last_seq {
        None
    } else {
        let messages = cut(&rows, 3, bytes, |row| message(row, 3, reader))?;
        let cursor = messages.last().map_or(cursor, |last| last.seq);
        Some(Page { messages, cursor, has_more: cursor < head.last_seq })
    };
    Ok(Missed { page, removals: head.removals })
}

async fn history(
    pool: &Pool,
    room: RoomId,
    reader: &UserId,
    before: i64,
    limit: u32,
) -> Result<Page, StoreError> {
    let (limit, most) = (i64::from(limit), weight(PAGE_BYTES));
    let params: [&(dyn ToSql + Sync); 5] = [&room.get(), &reader.as_str(), &before, &limit, &most];
    let rows = pool.rows(sql::PAGE_BEFORE, &params).await?;
    let head = Head::of(&rows)?;
    let mut messages = cut(&rows, 3, PAGE_BYTES, |row| message(row, 3, reader))?;
    messages.reverse();
    // Ids are dense from 1.
    let has_more = messages.first().is_some_and(|oldest| oldest.id.get() > 1);
    Ok(Page { messages, cursor: head.last_seq, has_more })
}

pub(super) async fn changes(
    pool: &Pool,
    room: RoomId,
    after: Seq,
    known_removals: i64,
) -> Result<Changes, StoreError> {
    let (limit, most) = (i64::from(MAX_PAGE), weight(PAGE_BYTES));
    let params: [&(dyn ToSql + Sync); 5] = [&room.get(), &after.get(), &known_removals, &limit, &most];
    let rows = pool.rows(sql::CHANGES, &params).await?;
    let first = rows.first().ok_or(StoreError::RoomNotFound)?;
    let members = first.try_get::<_, Option<Vec<String>>>(2).map_err(Failure::from)?;
    let members = members
        .map(|names| {
            names.into_iter().map(|name| stored(UserId::new(name))).collect::<Result<HashSet<_>, _>>()
        })
        .transpose()?;
    let last_seq = stored(Seq::new(first.try_get(0).map_err(Failure::from)?))?;
    if after > last_seq {
        return Err(StoreError::CursorAhead { newest: last_seq });
    }
    let messages = cut(&rows, 3, PAGE_BYTES, |row| message_with_key(row, 3))?;
    let cursor = messages.last().map_or(after, |last| last.seq);
    let removals = first.try_get(1).map_err(Failure::from)?;
    Ok(Changes { messages, cursor, has_more: cursor < last_seq, removals, members })
}

/// Moves a marker, and returns where it is and what lies beyond it.
pub(super) async fn mark_read(
    pool: &Pool,
    room: RoomId,
    reader: &UserId,
    id: MessageId,
) -> Result<ReadMarker, StoreError> {
    let asked = pool.rows(sql::MARK_READ, &[&room.get(), &reader.as_str(), &id.get()]).await?;
    let asked = asked.first().ok_or(StoreError::RoomNotFound)?;
    let (newest, member): (i64, bool) =
        (asked.try_get(0).map_err(Failure::from)?, asked.try_get(1).map_err(Failure::from)?);
    if !member {
        return Err(StoreError::NotAMember);
    }
    if id.get() > newest {
        return Err(StoreError::MarkerAhead { newest });
    }
    let rows = pool.counted_rows(sql::MARKER, &[&room.get(), &reader.as_str()]).await?;
    // Taken out between the two.
    let row = rows.first().ok_or(StoreError::NotAMember)?;
    let id = stored(MessageId::new(row.try_get(0).map_err(Failure::from)?))?;
    Ok(ReadMarker { id, unread: row.try_get(1).map_err(Failure::from)? })
}

/// What every row of a page says of its room.
struct Head {
    last_seq: Seq,
    removals: i64,
}

impl Head {
    fn of(rows: &[Row]) -> Result<Self, StoreError> {
        let first = rows.first().ok_or(StoreError::RoomNotFound)?;
        let read = || -> Result<(i64, i64, bool), Failure> {
            Ok((first.try_get(0)?, first.try_get(1)?, first.try_get(2)?))
        };
        match read()? {
            (_, _, false) => Err(StoreError::NotAMember),
            (last_seq, removals, true) => Ok(Self { last_seq: stored(Seq::new(last_seq))?, removals }),
        }
    }
}

/// The messages of a page, whose columns start at `from`: until so many bytes of JSON are full. A room
/// without any has one row, with nothing there.
fn cut(
    rows: &[Row],
    from: usize,
    bytes: usize,
    read: impl Fn(&Row) -> Result<Message, Failure>,
) -> Result<Vec<Message>, Failure> {
    let mut budget = Budget::new(bytes);
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        if row.try_get::<_, Option<i64>>(from)?.is_none() {
            break;
        }
        let message = read(row)?;
        if !budget.fits(&message) {
            break;
        }
        messages.push(message);
    }
    Ok(messages)
}

/// Bytes as a parameter.
fn weight(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
