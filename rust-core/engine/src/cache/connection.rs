//! The connection: opening, exclusive use, transactions, closing.

use super::migrations;
use crate::EngineError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An account's cache file, open.
///
/// One connection behind a mutex: every use is a transaction of a millisecond or two, and whoever
/// reads right after a commit must see it, in commit order, which a second connection would not give.
pub struct Cache {
    open: Mutex<Option<Open>>,
    path: PathBuf,
}

struct Open {
    connection: Connection,
    /// Held locked as long as the file is open; the system lets go of it when the process dies.
    lock: File,
}

/// Prepared statements kept; more than this crate has.
const STATEMENTS: usize = 32;

/// Nobody else has the file, so this covers only somebody looking at it with the sqlite3 shell.
const BUSY: Duration = Duration::from_secs(2);

impl Cache {
    /// Opens the file in `folder`, making both as needed, and brings its schema up to date.
    ///
    /// # Errors
    /// [`EngineError::CacheInUse`], [`EngineError::CacheTooNew`] or [`EngineError::Storage`].
    pub fn open(folder: &Path, file_name: &str) -> Result<Self, EngineError> {
        let storage = |e: std::io::Error| EngineError::Storage(format!("cache folder: {}", e.kind()));
        make_private(folder).map_err(storage)?;
        let path = folder.join(file_name);
        let lock = File::create(path.with_extension("lock")).map_err(storage)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EngineError::CacheInUse),
            Err(TryLockError::Error(e)) => return Err(storage(e)),
        }
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations::run(&mut connection)?;
        Ok(Self { open: Mutex::new(Some(Open { connection, lock })), path })
    }

    /// Runs `change` in a transaction and, once that is committed and before anyone else can commit,
    /// hands its result to `announce`. What is announced is therefore in commit order.
    ///
    /// # Errors
    /// [`EngineError::Closed`], or what `change` failed with: then nothing was stored or announced.
    pub fn commit<T, R>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, EngineError>,
        announce: impl FnOnce(T) -> R,
    ) -> Result<R, EngineError> {
        let mut guard = self.lock();
        let open = guard.as_mut().ok_or(EngineError::Closed)?;
        let transaction = open.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        transaction.commit()?;
        Ok(announce(result))
    }

    /// Reads; nothing is committed while `read` runs.
    ///
    /// # Errors
    /// [`EngineError::Closed`], or what `read` failed with.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let guard = self.lock();
        read(&guard.as_ref().ok_or(EngineError::Closed)?.connection)
    }

    /// Writes the log back into the file and closes it. Any number of times.
    pub fn close(&self) {
        let Some(Open { connection, lock }) = self.lock().take() else { return };
        if let Err((_, error)) = connection.close() {
            // Nothing is lost: the next one to open the file finds the log and replays it.
            log::warn!("closing the cache: {error}");
        }
        // Said aloud: a child process between fork and exec has a copy of the descriptor, and closing
        // ours would leave the lock to it for that moment.
        if let Err(error) = lock.unlock() {
            log::warn!("unlocking the cache: {}", error.kind());
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        // A panic inside rolled its transaction back; the connection is as good as before.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the folder for its owner alone: what people write is in it. One that is there stays as it is.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_client_on_the_file_gets_a_clear_error_and_the_first_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let first = Cache::open(folder.path(), "a.sqlite3").unwrap();
        assert_eq!(Cache::open(folder.path(), "a.sqlite3").err(), Some(EngineError::CacheInUse));
        assert!(first.read(|c| Ok(c.execute_batch("SELECT 1")?)).is_ok());
        first.close();
        assert!(Cache::open(folder.path(), "a.sqlite3").is_ok());
    }

    #[test]
    fn a_failed_change_leaves_nothing_and_announces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
        let failed: Result<(), _> = cache.commit(
            |t| {
                t.execute("INSERT INTO room (id, cursor, floor) VALUES (1, 1, 1)", [])?;
                Err(EngineError::NotFound)
            },
            |()| panic!("announced"),
        );
        assert_eq!(failed, Err(EngineError::NotFound));
        let rooms: i64 =
            cache.read(|c| Ok(c.query_row("SELECT count(*) FROM room", [], |r| r.get(0))?)).unwrap();
        assert_eq!(rooms, 0);
    }

    #[test]
    fn a_closed_cache_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
        cache.close();
        cache.close();
        assert_eq!(cache.read(|_| Ok(())), Err(EngineError::Closed));
    }
}
