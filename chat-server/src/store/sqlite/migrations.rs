//! The schema and its history: one entry per version, run in order, each with its version number in
//! one transaction, so that a crash in the middle leaves the version before it, whole.

use crate::store::error::OpenError;
use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours: "chat" in ASCII (SQLite file header, offset 68).
const APPLICATION_ID: i64 = 0x6368_6174;

/// Entry `n` makes version `n + 1` out of version `n`. Never change an entry that was released.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_rooms_and_messages.sql"),
    include_str!("schema/0002_removals.sql"),
    include_str!("schema/0003_keys_expire.sql"),
    include_str!("schema/0004_deleted_is_gone.sql"),
    include_str!("schema/0005_rooms_have_keys.sql"),
];

/// The version this server writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Brings `connection` to [`NEWEST`].
pub(super) fn run(connection: &mut Connection) -> Result<(), OpenError> {
    loop {
        // Immediate: of two servers started at once on one file, the second waits, then sees the
        // version that the first has written.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = version(&tx)?;
        let Some(migration) = usize::try_from(version).ok().and_then(|done| MIGRATIONS.get(done)) else {
            return Ok(());
        };
        if version > 0 {
            // It may copy what is there, and whoever waits should know why.
            tracing::info!(from = version, to = version + 1, "bringing the database up to date");
        }
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.commit()?;
    }
}

/// The version of a file of ours, 0 for an empty one.
pub(super) fn version(connection: &Connection) -> Result<i64, OpenError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    refuse_foreign(connection, version)?;
    match version > NEWEST {
        true => Err(OpenError::TooNew { found: version, known: NEWEST }),
        false => Ok(version),
    }
}

/// An empty file is welcome; one that holds another program's tables is not ours to add to.
fn refuse_foreign(connection: &Connection, version: i64) -> Result<(), OpenError> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let empty: bool =
        connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    if application == APPLICATION_ID || (empty && version == 0 && application == 0) {
        Ok(())
    } else {
        Err(OpenError::Foreign)
    }
}

#[cfg(test)]
mod tests;
