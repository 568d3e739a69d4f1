//! What can go wrong in a call to the engine. What goes wrong on the network is
//! [`crate::transport::TransportError`] and reaches the caller as a state, never as one of these.

use chat_protocol::TextError;

/// An error of a call. Carries no message text and no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The configuration cannot work; the string says which part and why.
    #[error("invalid configuration: {0}")]
    InvalidConfig(String),
    /// The text may not be sent.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Another process, or another engine in this one, has this account's cache open.
    #[error("the cache is in use by another client")]
    CacheInUse,
    /// The cache was written by a later version of this library.
    #[error("the cache has schema version {found}, this library knows {known}")]
    CacheTooNew {
        /// Version found in the file.
        found: i64,
        /// Newest version this library knows.
        known: i64,
    },
    /// No room on the device; nothing of the failed call was stored. Works again when there is.
    #[error("storage: the disk is full")]
    DiskFull,
    /// The cache was corrupt, and has been replaced by a new one with what was unsent. The failed call may be made again.
    #[error("the cache was corrupt and is begun anew")]
    CacheCorrupt,
    /// SQLite or the file system refused; nothing of the failed call was stored.
    #[error("storage: {0}")]
    Storage(String),
    /// No item with that key is in a state for what was asked.
    #[error("no such message, or not in a state for that")]
    NotFound,
    /// The message is somebody else's.
    #[error("not the sender of the message")]
    NotTheSender,
    /// The message is on its way and may be on the server already; it can be deleted, not taken back.
    #[error("the message may have been sent already")]
    TooLate,
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as C;
        match error.sqlite_error_code() {
            Some(C::DiskFull) => EngineError::DiskFull,
            Some(C::DatabaseCorrupt | C::NotADatabase) => EngineError::CacheCorrupt,
            // SQLite's own words quote SQL and schema names, never a bound value.
            _ => EngineError::Storage(error.to_string()),
        }
    }
}

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => EngineError::DiskFull,
            kind => EngineError::Storage(kind.to_string()),
        }
    }
}
