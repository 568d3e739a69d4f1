//! Copies the file while others write to it.
//!
//! SQLite's backup begins anew whenever another process has changed the file between two of its steps, and beside a
//! busy server it would never end. So a read transaction is held from the first step to the last: with the
//! write-ahead log it sees the file as it was at its beginning, and neither waits for a writer nor makes one wait.

use super::admin::refuse_missing;
use super::connection::open_reader;
use super::migrations;
use crate::store::admin::AdminError;
use crate::store::error::{OpenError, StoreError};
use rusqlite::backup::{Backup as Copy, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages (of 4 KiB) between two looks at whether to go on: a megabyte, some milliseconds.
const STEP: i32 = 256;

/// Steps of SQLite's between two looks while it checks the copy: far less than a millisecond.
const CHECK_STEP: i32 = 1_000;

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backup {
    /// The schema's version.
    pub(crate) version: i64,
    /// How many rooms it has.
    pub(crate) rooms: i64,
    /// How many messages.
    pub(crate) messages: i64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// The file cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database, or the disk.
    #[error(transparent)]
    Failed(#[from] AdminError),
    /// The copy is not sound: what SQLite says of it.
    #[error("the copy is damaged, and so may be the database: {0}")]
    Damaged(String),
    /// As asked.
    #[error("interrupted")]
    Interrupted,
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Where a backup is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// So many bytes of so many are copied.
    Copying(u64, u64),
    /// The copy is being read through.
    Checking,
}

/// Copies the database `from` over the empty file `to`, and looks whether the copy is sound. An old schema is copied
/// as it is: a backup is what one makes before bringing it up to date. Ends soon after `stopped` is set.
pub(crate) fn backup(
    from: &Path,
    to: &Path,
    stopped: &Arc<AtomicBool>,
    mut stage: impl FnMut(Stage),
) -> Result<Backup, BackupError> {
    refuse_missing(from)?;
    let source = open_reader(from)?;
    let version = migrations::version(&source)?;
    source.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema")?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags)?;
    let page: u64 = source.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
    let copy = Copy::new(&source, &mut target)?;
    loop {
        let step = copy.step(STEP)?;
        let progress = copy.progress();
        let pages = |count: i32| u64::try_from(count).unwrap_or(0) * page;
        let done = pages(progress.pagecount - progress.remaining);
        stage(Stage::Copying(done, pages(progress.pagecount)));
        if stopped.load(Ordering::Relaxed) {
            return Err(BackupError::Interrupted);
        }
        match step {
            StepResult::More => {}
            StepResult::Done => break,
            _ => return Err(AdminError::from(StoreError::Busy("another writes to the copy".into())).into()),
        }
    }
    drop(copy);
    drop(source);
    stage(Stage::Checking);
    let asked = Arc::clone(stopped);
    target.progress_handler(CHECK_STEP, Some(move || asked.load(Ordering::Relaxed)))?;
    check(&target, version).map_err(|error| match stopped.load(Ordering::Relaxed) {
        true => BackupError::Interrupted,
        false => error,
    })
}

fn check(copy: &Connection, version: i64) -> Result<Backup, BackupError> {
    // One file, without a log beside it, until a server opens it.
    copy.execute_batch("PRAGMA journal_mode = DELETE")?;
    let verdict: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(BackupError::Damaged(verdict));
    }
    let count = |sql| copy.query_row(sql, [], |row| row.get(0));
    Ok(Backup {
        version,
        rooms: count("SELECT count(*) FROM rooms")?,
        messages: count("SELECT coalesce(sum(last_id), 0) FROM rooms")?,
    })
}
