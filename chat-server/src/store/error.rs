//! What can go wrong with the database, in words that name no database.

use chat_protocol::Seq;
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// Why a question to the store got no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No such room.
    #[error("no such room")]
    RoomNotFound,
    /// Whoever asks is not in the room.
    #[error("not a member of the room")]
    NotAMember,
    /// The cursor lies beyond the room's newest change.
    #[error("the cursor is ahead of the room, whose newest change is {newest}")]
    CursorAhead {
        /// The room's newest change.
        newest: Seq,
    },
    /// The key was used for another text, or another room.
    #[error("the idempotency key was used for something else")]
    IdempotencyKeyReused,
    /// The room has no such message.
    #[error("no such message")]
    MessageNotFound,
    /// The message is somebody else's.
    #[error("not the sender of the message")]
    NotTheSender,
    /// Only the message's tombstone is left.
    #[error("the message was deleted")]
    MessageDeleted,
    /// The read marker would lie beyond the room's newest message.
    #[error("the room's newest message is {newest}")]
    MarkerAhead {
        /// The id of the room's newest message; 0 when there is none.
        newest: i64,
    },
    /// Too much is waiting, or the file is locked or full: the same question may do later.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database failed.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for StoreError {
    /// Keeps the message alone: SQLite's messages name tables and columns, never the values bound.
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => {
                Self::Busy(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Why a database cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite refuses the file.
    #[error("cannot open the database {}: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The path means something special to SQLite, which several connections cannot share.
    #[error("the database must be a file, not {0:?}")]
    NotAFile(PathBuf),
    /// The database belongs to another program.
    #[error("the database is another program's; name another with --database")]
    Foreign,
    /// A newer server has written the file.
    #[error("the database has schema version {found}, this server knows up to {known}: run the newer server")]
    TooNew {
        /// The file's version.
        found: i64,
        /// The newest version this server knows.
        known: i64,
    },
    /// There is nothing at the path, and what asks does not make databases.
    #[error(
        "there is no database at {0}: name another with --database, or make it with `chat-server migrate`"
    )]
    Missing(String),
    /// An older server has written the database, and what asks does not bring databases up to date.
    #[error(
        "the database has schema version {found}, this program works on {known}: \
         run `chat-server migrate`, or start this version's server, which does the same"
    )]
    OutOfDate {
        /// The database's version.
        found: i64,
        /// The version that this program works on.
        known: i64,
    },
    /// PostgreSQL cannot be reached, lets us not in, or refuses what must be there.
    #[error("cannot use the database {url}: {why}")]
    Postgres {
        /// Where, without the password.
        url: String,
        /// Its reason.
        why: String,
    },
    /// A step of the migration failed; nothing of it was kept.
    #[error("cannot bring the database up to date: {0}")]
    Migration(#[from] rusqlite::Error),
    /// The system gives no thread.
    #[error("cannot start a database thread: {0}")]
    Thread(#[from] std::io::Error),
}
