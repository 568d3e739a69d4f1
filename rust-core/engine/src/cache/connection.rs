//! The connection: opening, exclusive use, transactions, closing.

use super::migrations;
use super::salvage::{self, Salvage};
use crate::EngineError;
use chat_protocol::Timestamp;
use rusqlite::hooks::Action;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// An account's cache file, open.
///
/// One connection behind a mutex: every use is a transaction of a millisecond or two, and whoever
/// reads right after a commit must see it, in commit order, which a second connection would not give.
pub struct Cache {
    open: Mutex<Option<Open>>,
    path: PathBuf,
    /// Counts the files that were corrupt and have been replaced since.
    file: AtomicU64,
    /// Told of each.
    replaced: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

struct Open {
    /// `None` while a corrupt file could not be replaced, for want of space for one; tried again at each use.
    connection: Option<Connection>,
    /// Held locked as long as the file is open; the system lets go of it when the process dies.
    lock: File,
    salvage: Salvage,
    /// Whether a table that is salvaged has changed since it was.
    unsaved: Arc<AtomicBool>,
}

/// Prepared statements kept; more than this crate has.
const STATEMENTS: usize = 64;

/// Nobody else has the file, so this covers only somebody looking at it with the sqlite3 shell.
const BUSY: Duration = Duration::from_secs(2);

impl Cache {
    /// Opens the file in `folder`, making both as needed, and brings its schema up to date. A file that
    /// is corrupt is moved aside and begun anew, with what was unsent in it.
    ///
    /// # Errors
    /// [`EngineError::CacheInUse`], [`EngineError::CacheTooNew`], [`EngineError::DiskFull`] or
    /// [`EngineError::Storage`].
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
        let salvage = Salvage::new(path.with_extension("unsent"));
        let mut open = Open { connection: None, lock, salvage, unsaved: Arc::default() };
        open.connect(&path)?;
        if open.save().is_err() {
            // Corrupt where what is unsent is read, which nothing above has looked at to the end.
            open.connection = None;
            move_aside(&path)?;
            open.connect(&path)?;
        }
        Ok(Self { open: Mutex::new(Some(open)), path, file: AtomicU64::new(0), replaced: OnceLock::new() })
    }

    /// Has `told` called, with the cache locked, whenever the file was corrupt and has been replaced:
    /// what was read from it holds no more.
    pub(crate) fn on_replaced(&self, told: impl Fn() + Send + Sync + 'static) {
        // One engine has one cache, and asks once.
        let _ = self.replaced.set(Box::new(told));
    }

    /// Which file this is: a cursor read from another is worth nothing.
    pub(crate) fn file(&self) -> u64 {
        self.file.load(Ordering::Acquire)
    }

    /// Runs `change` in a transaction and, once that is committed and before anyone else can commit,
    /// hands its result to `announce`. What is announced is therefore in commit order.
    ///
    /// # Errors
    /// [`EngineError::Closed`], or what `change` failed with: then nothing was stored or announced.
    /// After [`EngineError::CacheCorrupt`] the file has been replaced already, and the same may be tried again.
    pub fn commit<T, R>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, EngineError>,
        announce: impl FnOnce(T) -> R,
    ) -> Result<R, EngineError> {
        let mut guard = self.lock();
        let open = guard.as_mut().ok_or(EngineError::Closed)?;
        self.ensure_connected(open)?;
        let result = open.commit(change);
        self.mend(open, &result);
        Ok(announce(result?))
    }

    /// Reads; nothing is committed while `read` runs.
    ///
    /// # Errors
    /// [`EngineError::Closed`], or what `read` failed with; of [`EngineError::CacheCorrupt`] see [`Cache::commit`].
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut guard = self.lock();
        let open = guard.as_mut().ok_or(EngineError::Closed)?;
        self.ensure_connected(open)?;
        let result = read(open.connection()?);
        self.mend(open, &result);
        result
    }

    /// Replaces the file if that is what went wrong.
    fn mend<T>(&self, open: &mut Open, result: &Result<T, EngineError>) {
        let Err(EngineError::CacheCorrupt) = result else { return };
        // What closing has to say of a corrupt file is nothing new.
        let _ = open.connection.take().map(Connection::close);
        let replaced = move_aside(&self.path).and_then(|()| self.ensure_connected(open));
        if let Err(error) = replaced {
            log::error!("the cache is corrupt and cannot be replaced yet: {error}");
        }
    }

    /// Opens the file anew that took the place of a corrupt one.
    fn ensure_connected(&self, open: &mut Open) -> Result<(), EngineError> {
        if open.connection.is_some() {
            return Ok(());
        }
        open.connect(&self.path)?;
        self.file.fetch_add(1, Ordering::AcqRel);
        if let Some(told) = self.replaced.get() {
            told();
        }
        Ok(())
    }

    /// Deletes the account's files, closing them first: the user has logged out. What is unsent goes too.
    ///
    /// # Errors
    /// [`EngineError::Storage`] when a file would not go; [`EngineError::CacheInUse`] when this was closed
    /// before, and the account has been opened again since.
    pub fn wipe(&self) -> Result<(), EngineError> {
        let mut guard = self.lock();
        if let Some(Open { connection, lock, .. }) = guard.take() {
            let _ = connection.map(Connection::close); // it is to go
            let removed = remove_files(&self.path);
            let _ = lock.unlock();
            return removed;
        }
        // Closed before; by now somebody else may have the account open.
        let lock = File::create(self.path.with_extension("lock"))?;
        lock.try_lock().map_err(|_| EngineError::CacheInUse)?;
        let removed = remove_files(&self.path);
        let _ = lock.unlock();
        removed
    }

    /// Writes the log back into the file and closes it. Any number of times.
    pub fn close(&self) {
        let Some(Open { connection, lock, .. }) = self.lock().take() else { return };
        if let Some(Err((_, error))) = connection.map(Connection::close) {
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

impl Open {
    fn connect(&mut self, path: &Path) -> Result<(), EngineError> {
        let mut connection = match connect(path) {
            Err(EngineError::CacheCorrupt) => {
                move_aside(path)?;
                connect(path)?
            }
            other => other?,
        };
        self.unsaved = watch(&mut connection);
        self.connection = Some(connection);
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut Connection, EngineError> {
        self.connection.as_mut().ok_or(EngineError::CacheCorrupt)
    }

    fn commit<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let connection = self.connection()?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        transaction.commit()?;
        if self.unsaved.swap(false, Ordering::Relaxed) {
            self.save()?;
        }
        Ok(result)
    }

    /// Fails with [`EngineError::CacheCorrupt`] alone: then what was committed last cannot be read back, is
    /// not in the copy, and has to be done again in the file that takes this one's place.
    fn save(&mut self) -> Result<(), EngineError> {
        let connection = self.connection.as_ref().ok_or(EngineError::CacheCorrupt)?;
        match self.salvage.write(connection) {
            Err(EngineError::CacheCorrupt) => Err(EngineError::CacheCorrupt),
            Err(error) => {
                // The database has it; only the second copy is behind, until the next commit.
                log::warn!("the copy of what is unsent was not written: {error}");
                self.unsaved.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, EngineError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrations::run(&mut connection)?;
    // Reads every table's first page: damage to what is read at each opening shows here, the rest when it is read.
    for table in ["room", "outbox", "change", "summary", "message", "draft"] {
        connection.execute_batch(&format!("SELECT 1 FROM {table} LIMIT 1"))?;
    }
    let transaction = connection.transaction()?;
    // None written yet, and a copy of some that are unsent, or a corrupt file: this one took its place.
    let fresh: bool = transaction.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'outbox')",
        [],
        |row| row.get(0),
    )?;
    let unsent = path.with_extension("unsent");
    if fresh && (unsent.exists() || !corrupt_files(path).is_empty()) {
        salvage::restore(&unsent, &transaction)?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// Raises the flag returned whenever a row of a salvaged table changes.
fn watch(connection: &mut Connection) -> Arc<AtomicBool> {
    let unsaved = Arc::new(AtomicBool::new(false));
    let flag = unsaved.clone();
    let told = connection.update_hook(Some(move |_: Action, _: &str, table: &str, _| {
        if matches!(table, "outbox" | "change" | "draft") {
            flag.store(true, Ordering::Relaxed);
        }
    }));
    debug_assert!(told.is_ok(), "the connection is ours");
    unsaved
}

/// Moves a corrupt file aside. What opens next is a new one, with what was unsent.
fn move_aside(path: &Path) -> Result<(), EngineError> {
    for corrupt in corrupt_files(path) {
        // One is enough to look into; it holds what people wrote.
        let _ = std::fs::remove_file(corrupt);
    }
    let aside = path.with_extension(format!("corrupt-{}", Timestamp::now().as_millis()));
    log::error!("the cache is corrupt and is moved aside");
    std::fs::rename(path, &aside).map_err(EngineError::from)?;
    for log in ["-wal", "-shm"] {
        // With its log left beside it, the new file would be taken for the old one.
        let _ = std::fs::remove_file(beside(path, log));
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn corrupt_files(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else { return Vec::new() };
    let prefix = format!("{}.corrupt-", stem.to_string_lossy());
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

fn remove_files(path: &Path) -> Result<(), EngineError> {
    let salvage = path.with_extension("unsent");
    let fixed =
        [path.to_owned(), beside(path, "-wal"), beside(path, "-shm"), Salvage::next(&salvage), salvage];
    let mut result = Ok(());
    for file in fixed.into_iter().chain(corrupt_files(path)) {
        match std::fs::remove_file(file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => result = Err(e.into()), // the others go all the same
            _ => {}
        }
    }
    result
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
mod tests;
