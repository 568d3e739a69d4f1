//! What a command does to the file, in a process of its own, beside a running server or without one.
//!
//! SQLite lets one process write at a time, and who waits asks again after a while instead of standing in a queue. So
//! an import pauses after each batch ([`PAUSE`]), or the server's writer would hardly ever find the file free.

pub(super) mod sql;

use super::connection::{open_reader, open_writer};
use super::rows::{message_with_key, stored};
use super::sql::{Ask, PING};
use super::{members, migrations, rooms};
use crate::store::admin::{
    Admin, AdminError, Import, Member, RoomInfo, Vacuumed, first_digest, still_unfinished,
};
use crate::store::error::OpenError;
use async_trait::async_trait;
use chat_protocol::{Message, RoomId, Seq, Timestamp, TransactionId, UserId};
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a command waits for the file. A server that writes all the time leaves it free between any two of its
/// commits, but only for a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long an import leaves the file alone after each batch. A server that waits looks again after 1, 2, 5, 10, 15,
/// 20 and then every 25 ms at first, so it finds this gap, whenever it began to wait.
const PAUSE: Duration = Duration::from_millis(30);

/// How often the log is tried to be folded into the file, [`PAUSE`] apart: one and a half seconds.
const FOLDS: u32 = 50;

/// Messages discarded in one transaction: some 50 ms.
const DISCARDED_AT_ONCE: i64 = 10_000;

/// A connection for one command at a time. Its methods block; a command has nothing else to do meanwhile.
pub(in crate::store) struct Desk {
    path: PathBuf,
    connection: Connection,
}

impl Desk {
    pub(in crate::store) fn open(path: &Path) -> Result<Self, OpenError> {
        refuse_missing(path)?;
        let connection = open_writer(path)?;
        let found = migrations::version(&connection)?;
        if found < migrations::NEWEST {
            return Err(OpenError::OutOfDate { found, known: migrations::NEWEST });
        }
        connection.busy_timeout(PATIENCE)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    fn change<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = change(&tx)?;
        tx.commit()?;
        Ok(outcome)
    }

    /// Folds the log into the file, which is cut to its size only then, and says whether somebody is in the way. Looks again
    /// for a moment, as who reads a page is soon gone, but never waits: a checkpoint that waits for a reader holds up
    /// everybody who writes.
    fn fold(&self) -> Result<bool, AdminError> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let mut busy = true;
        for _ in 0..FOLDS {
            busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if !busy {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        self.connection.busy_timeout(PATIENCE)?;
        Ok(busy)
    }

    /// What the file takes on the disk, and its log.
    fn bytes(&self) -> u64 {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        size(&self.path) + size(Path::new(&log))
    }
}

pub(in crate::store) fn migrate(path: &Path) -> Result<(i64, i64), OpenError> {
    let before = match path.exists() {
        true => migrations::version(&open_reader(path)?)?,
        false => 0,
    };
    let mut connection = open_writer(path)?;
    connection.busy_timeout(PATIENCE)?;
    migrations::run(&mut connection)?;
    Ok((before, migrations::NEWEST))
}

pub(super) fn refuse_missing(path: &Path) -> Result<(), OpenError> {
    // A name that is special to SQLite is refused in its own words.
    let special = path.as_os_str().is_empty() || path.as_os_str() == ":memory:";
    match special || path.exists() {
        true => Ok(()),
        false => Err(OpenError::Missing(path.display().to_string())),
    }
}

fn room_info(row: &Row<'_>) -> rusqlite::Result<RoomInfo> {
    let messages = row.get(4)?;
    let newest: Option<i64> = row.get(6)?;
    Ok(RoomInfo {
        id: stored(RoomId::new(row.get(0)?))?,
        title: row.get(1)?,
        created_at: Timestamp::from_millis(row.get(2)?),
        members: row.get(3)?,
        messages,
        last_seq: stored(Seq::new(row.get(5)?))?,
        unfinished_import: newest.filter(|newest| *newest > messages),
    })
}

fn one_room(tx: &Connection, room: RoomId) -> Result<RoomInfo, AdminError> {
    tx.ask(sql::ROOM)?.query_row([room.get()], room_info).optional()?.ok_or(AdminError::NoRoom(room))
}

/// The room is there, and no import is filling it: whoever came in would see a part of it.
fn expect_whole(tx: &Connection, room: RoomId) -> Result<(), AdminError> {
    match one_room(tx, room)?.unfinished_import {
        None => Ok(()),
        Some(_) => Err(AdminError::Unfinished(room)),
    }
}

#[async_trait]
impl Admin for Desk {
    async fn hold_snapshot(&mut self) -> Result<(), AdminError> {
        // The moment is that of the first question.
        self.connection.execute_batch("BEGIN")?;
        Ok(self.connection.ask(PING)?.query_row([], |_| Ok(()))?)
    }

    async fn rooms(&mut self) -> Result<Vec<RoomInfo>, AdminError> {
        let mut statement = self.connection.ask(sql::ROOMS)?;
        let rooms = statement.query_map([], room_info)?;
        Ok(rooms.collect::<rusqlite::Result<_>>()?)
    }

    async fn room(&mut self, room: RoomId) -> Result<(RoomInfo, Vec<Member>), AdminError> {
        let info = one_room(&self.connection, room)?;
        let mut statement = self.connection.ask(sql::MEMBERS)?;
        let members = statement.query_map([room.get()], |row| {
            Ok(Member { user: stored(UserId::new(row.get::<_, String>(0)?))?, read_marker: row.get(1)? })
        })?;
        Ok((info, members.collect::<rusqlite::Result<_>>()?))
    }

    async fn messages(&mut self, room: RoomId, after: i64, limit: u32) -> Result<Vec<Message>, AdminError> {
        let mut statement = self.connection.ask(sql::MESSAGES)?;
        let messages = statement.query_map((room.get(), after, limit), |row| message_with_key(row, 0))?;
        Ok(messages.collect::<rusqlite::Result<_>>()?)
    }

    async fn create_room(&mut self, title: &str, members: &BTreeSet<UserId>) -> Result<RoomId, AdminError> {
        self.change(|tx| Ok(rooms::create(tx, title.to_owned(), members.clone(), None)?.id))
    }

    async fn add_members(
        &mut self,
        room: RoomId,
        users: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, AdminError> {
        self.change(|tx| {
            expect_whole(tx, room)?;
            let before = members::all(tx, room)?;
            let new: Vec<_> = users.iter().filter(|user| !before.contains(user)).cloned().collect();
            for user in &new {
                members::insert(tx, room, user)?;
            }
            Ok(new)
        })
    }

    async fn remove_members(
        &mut self,
        room: RoomId,
        users: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, AdminError> {
        self.change(|tx| {
            one_room(tx, room)?;
            let before = members::all(tx, room)?;
            let gone: Vec<_> = users.iter().filter(|user| before.contains(user)).cloned().collect();
            for user in &gone {
                members::take_out(tx, room, user)?;
            }
            Ok(gone)
        })
    }

    async fn import(&mut self, import: &mut Import, batch: &[Message]) -> Result<RoomId, AdminError> {
        let room = self.change(|tx| {
            let room = match import.room {
                None => begin_import(tx, &import.title, import.created_at)?,
                Some(room) => still_unfinished(one_room(tx, room), import.brought)?,
            };
            for message in batch {
                insert(tx, room, message)?;
            }
            Ok(room)
        })?;
        import.room = Some(room);
        import.brought += batch.len() as i64;
        std::thread::sleep(PAUSE);
        Ok(room)
    }

    async fn finish_import(
        &mut self,
        room: RoomId,
        (last_id, last_seq): (i64, Seq),
        members: &[Member],
    ) -> Result<(), AdminError> {
        self.change(|tx| {
            still_unfinished(one_room(tx, room), last_id)?;
            tx.ask(sql::FINISH_ROOM)?.execute((room.get(), last_id, last_seq.get()))?;
            let mut insert = tx.ask(sql::INSERT_MEMBER)?;
            for Member { user, read_marker } in members {
                insert.execute((room.get(), user.as_str(), read_marker))?;
            }
            Ok(())
        })
    }

    async fn discard_some(&mut self, room: RoomId) -> Result<bool, AdminError> {
        let more = self.change(|tx| {
            let info = one_room(tx, room)?;
            if info.members > 0 || info.messages > 0 {
                return Err(AdminError::Whole(room));
            }
            // From the end, so that what is left has no hole and still shows as unfinished.
            let from = info.unfinished_import.unwrap_or(0) - DISCARDED_AT_ONCE;
            tx.ask(sql::DELETE_MESSAGES)?.execute((room.get(), from))?;
            if from <= 0 {
                tx.ask(sql::DELETE_ROOM)?.execute([room.get()])?;
            }
            Ok(from > 0)
        })?;
        std::thread::sleep(PAUSE);
        Ok(more)
    }

    async fn vacuum(&mut self) -> Result<Vacuumed, AdminError> {
        let bytes_before = self.bytes();
        self.connection.execute_batch("VACUUM")?;
        let note = self.fold()?.then_some(
            "somebody is reading the file; the rest comes back when a server next starts its log over",
        );
        Ok(Vacuumed { bytes_before, bytes_after: self.bytes(), note })
    }
}

/// With a number of its own, which no room has had: a client may know that one still.
fn begin_import(tx: &Connection, title: &str, created_at: Timestamp) -> Result<RoomId, AdminError> {
    Ok(rooms::insert(tx, title, created_at, None)?)
}

fn insert(tx: &Connection, room: RoomId, message: &Message) -> Result<(), AdminError> {
    let inserted = tx.ask(sql::INSERT_MESSAGE)?.execute((
        room.get(),
        message.id.get(),
        message.seq.get(),
        message.sender.as_str(),
        &message.text,
        message.sent_at.as_millis(),
        message.edited_at.map(Timestamp::as_millis),
        message.deleted,
        message.transaction_id.as_ref().map(TransactionId::as_str),
        first_digest(message),
    ));
    match inserted {
        Ok(_) => Ok(()),
        Err(error) => Err(match taken(&error) {
            Some(field) => AdminError::Taken { id: message.id, field },
            None => error.into(),
        }),
    }
}

/// Which field of a message another has already, if that is the error.
fn taken(error: &rusqlite::Error) -> Option<&'static str> {
    let rusqlite::Error::SqliteFailure(failure, Some(words)) = error else { return None };
    match failure.extended_code {
        SQLITE_CONSTRAINT_UNIQUE if words.contains("messages.seq") => Some("seq"),
        SQLITE_CONSTRAINT_UNIQUE if words.contains("messages.transaction_id") => Some("transaction_id"),
        SQLITE_CONSTRAINT_PRIMARYKEY => Some("id"),
        _ => None,
    }
}
