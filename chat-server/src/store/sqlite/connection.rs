//! How connections are set up: one that writes, several that only read.

use super::migrations;
use crate::store::error::OpenError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long to wait for another process's lock, such as a backup's or a second server's on the same
/// file. Within this server nobody ever waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept prepared per connection; the store has about twenty in all.
const STATEMENTS: usize = 64;

/// Makes the file if there is none. One of another program or of a newer server is refused as it is.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
        return Err(OpenError::NotAFile(path.to_owned()));
    }
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    if path.exists() {
        // Looked at first by who changes nothing: another program's file is not to be put into another journal mode.
        migrations::version(&open_reader(path)?).map_err(|error| match error {
            OpenError::Migration(source) => unusable(source),
            other => other,
        })?;
    }
    make_private(path);
    let connection = open(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(unusable)?;
    // WAL: readers never wait for the writer, nor it for them. FULL syncs the log at each commit;
    // NORMAL would lose the last commits with the power, messages already confirmed among them.
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(unusable)?;
    // Zeroes what an edit or a deletion takes away; SQLite would leave it until the space is used again.
    connection.pragma_update(None, "secure_delete", true).map_err(unusable)?;
    // Gives the log's disk space back after a burst.
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(unusable)?;
    Ok(connection)
}

/// Makes a file that is not there yet one that its owner alone may read; its log takes after it. What goes wrong
/// SQLite will say.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.write(true).create_new(true).open(path);
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let connection = open(path, OpenFlags::empty()).map_err(unusable)?;
    // Opened for writing all the same: a read-only connection cannot recover the log after a crash.
    connection.pragma_update(None, "query_only", true).map_err(unusable)?;
    Ok(connection)
}

/// Without `SQLITE_OPEN_URI`, so that a path is a path whatever it is called.
fn open(path: &Path, extra: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
