//! The local cache: SQLite, one file per account, the only place where messages live.
//!
//! # Invariants
//! * A batch and its cursor are one transaction: what the cursor covers is stored, or neither is.
//! * One row per message id; of two versions the higher `seq` wins, in whatever order they come.
//! * From a room's floor up, the cached ids have no hole. A change to an older message is passed
//!   over: history, when it is fetched, brings the message as it then stands.
//! * A message of our own that was sent from this device takes over its outbox row's key in the
//!   transaction that stores it, so at no moment are there two of it, or none.
//! * Changes are announced in the order they were committed ([`Cache::commit`]).
//!
//! # Durability
//! WAL with `synchronous=NORMAL`: a commit survives the process being killed at any point, and
//! costs no `fsync`. A power cut, a battery torn out, may take the last moments before it back: the
//! file stays consistent and the server still has its messages, but a message that was written in
//! those moments and not sent yet is lost. Syncing each one would cost every send tens of
//! milliseconds on a phone's flash, for the seconds of a phone's life when that matters.

mod connection;
mod messages;
mod migrations;
mod outbox;
mod rooms;

pub use connection::Cache;
pub(crate) use messages::{apply_first_page, apply_page, newest};
pub(crate) use outbox::Outgoing;
pub(crate) use outbox::{
    add, discard, mark_failed, mark_pending, mark_sending, mark_sent, next, retry, rooms_with_work, unsent,
};
pub(crate) use rooms::cursor;
