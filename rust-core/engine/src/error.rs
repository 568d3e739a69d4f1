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
    /// SQLite or the file system refused; nothing of the failed call was stored.
    #[error("storage: {0}")]
    Storage(String),
    /// No item with that key waits in the outbox.
    #[error("no such item in the outbox")]
    NotFound,
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite's own words quote SQL and schema names, never a bound value.
        EngineError::Storage(error.to_string())
    }
}
