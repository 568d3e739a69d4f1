//! What is unsent, written down a second time beside the database: the one thing that no server can give
//! back should the database be corrupt. Read in that case only; the database is what counts.
//!
//! Written after each commit that changed it, so a crash in between may leave it one change behind.

use crate::EngineError;
use chat_protocol::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The copy, and what it says at the moment.
pub(super) struct Salvage {
    path: PathBuf,
    written: Option<Vec<u8>>,
}

#[derive(Default, Serialize, Deserialize)]
struct Unsent {
    outbox: Vec<Message>,
    changes: Vec<Wish>,
    #[serde(default)]
    drafts: Vec<Draft>,
}

#[derive(Serialize, Deserialize)]
struct Draft {
    room: i64,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Message {
    local_key: i64,
    room: i64,
    transaction_id: String,
    text: String,
    written_at: i64,
    edited: bool,
    /// Of one that the server has, and that polling has not brought back: it is not sent again.
    #[serde(default)]
    message_id: Option<i64>,
    /// Of one that was refused: it is not sent again unasked.
    #[serde(default)]
    failure: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Wish {
    /// Both as they were: what is on its way at the moment is known by them when its answer comes.
    #[serde(default)]
    change_key: Option<i64>,
    #[serde(default)]
    version: i64,
    room: i64,
    message_id: Option<i64>,
    local_key: Option<i64>,
    text: Option<String>,
    #[serde(default)]
    failure: Option<i64>,
}

impl Unsent {
    fn is_empty(&self) -> bool {
        self.outbox.is_empty() && self.changes.is_empty() && self.drafts.is_empty()
    }
}

impl Salvage {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, written: None }
    }

    /// What the copy at `path` is called while it is being written.
    pub(super) fn next(path: &Path) -> PathBuf {
        path.with_extension("next")
    }

    /// Brings the copy up to date with the database.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), EngineError> {
        let unsent = read(connection)?;
        let empty = unsent.is_empty();
        let bytes = if empty {
            Vec::new()
        } else {
            serde_json::to_vec(&unsent).map_err(|e| EngineError::Storage(e.to_string()))?
        };
        if self.written.as_ref() == Some(&bytes) {
            return Ok(());
        }
        let done = match empty {
            true => match std::fs::remove_file(&self.path) {
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
                done => done,
            },
            // In one step: a reader finds the copy of before or this one.
            false => {
                let next = Self::next(&self.path);
                std::fs::write(&next, &bytes).and_then(|()| std::fs::rename(&next, &self.path))
            }
        };
        done.map_err(EngineError::from)?;
        self.written = Some(bytes);
        Ok(())
    }
}

/// Puts what the copy at `path` holds into a new database, to be sent again under the same keys. What
/// had arrived already is stored no second time by the server. Keys on screen are given to nobody else.
pub(super) fn restore(path: &Path, connection: &Connection) -> Result<(), EngineError> {
    let unsent: Unsent = match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(e) if e.kind() == ErrorKind::NotFound => Unsent::default(),
        Err(e) => return Err(e.into()),
    };
    let mut outbox = connection.prepare(
        "INSERT OR IGNORE INTO outbox (local_key, room, transaction_id, text, written_at, edited, message_id, failure, state,
             may_have_arrived)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE WHEN ?8 NOTNULL THEN 3 WHEN ?7 NOTNULL THEN 2 ELSE 0 END, 1)",
    )?;
    for m in &unsent.outbox {
        let (key, id, failure) = (m.local_key, m.message_id, m.failure);
        outbox.execute(params![
            key,
            m.room,
            m.transaction_id,
            m.text,
            m.written_at,
            m.edited,
            id,
            failure
        ])?;
    }
    let mut changes = connection.prepare(
        "INSERT OR IGNORE INTO change (change_key, room, message_id, local_key, text, version, failure, state, may_have_arrived)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?7 IS NULL, 0, 3), 1)",
    )?;
    for w in &unsent.changes {
        let (key, id, failure) = (w.change_key, w.message_id, w.failure);
        changes.execute(params![key, w.room, id, w.local_key, w.text, w.version, failure])?;
    }
    let mut drafts = connection.prepare("INSERT OR IGNORE INTO draft (room, text) VALUES (?1, ?2)")?;
    for d in &unsent.drafts {
        drafts.execute(params![d.room, d.text])?;
    }
    let highest = unsent.outbox.iter().map(|m| m.local_key).max().unwrap_or(0);
    // Keys of a file that was corrupt before this one, and is no more, are as high as its moment and a few.
    let beyond = highest.max(Timestamp::now().as_millis() * 1_000);
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'", [])?;
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?1)", [beyond])?;
    if !unsent.is_empty() {
        let number = unsent.outbox.len() + unsent.changes.len() + unsent.drafts.len();
        log::warn!("{number} unsent were salvaged");
    }
    Ok(())
}

fn read(connection: &Connection) -> Result<Unsent, EngineError> {
    let outbox = connection
        .prepare_cached(
            "SELECT local_key, room, transaction_id, text, written_at, edited, message_id, failure FROM outbox
             ORDER BY local_key",
        )?
        .query_map([], |row| {
            Ok(Message {
                local_key: row.get(0)?,
                room: row.get(1)?,
                transaction_id: row.get(2)?,
                text: row.get(3)?,
                written_at: row.get(4)?,
                edited: row.get(5)?,
                message_id: row.get(6)?,
                failure: row.get(7)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let changes = connection
        .prepare_cached(
            "SELECT change_key, version, room, message_id, local_key, text, failure FROM change ORDER BY change_key",
        )?
        .query_map([], |row| {
            Ok(Wish {
                change_key: row.get(0)?,
                version: row.get(1)?,
                room: row.get(2)?,
                message_id: row.get(3)?,
                local_key: row.get(4)?,
                text: row.get(5)?,
                failure: row.get(6)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let drafts = connection
        .prepare_cached("SELECT room, text FROM draft ORDER BY room")?
        .query_map([], |row| Ok(Draft { room: row.get(0)?, text: row.get(1)? }))?
        .collect::<Result<_, _>>()?;
    Ok(Unsent { outbox, changes, drafts })
}
