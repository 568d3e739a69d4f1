//! The local cache: SQLite, one file per account, the only place where messages live.
//!
//! # Invariants
//! * A batch and its cursor are one transaction: what the cursor covers is stored, or neither is.
//! * One row per message id; of two versions the higher `seq` wins, in whatever order they come.
//! * Ids are dense, so what is missing is arithmetic. From a room's floor up, whatever is missing has a
//!   change beyond the cursor and comes by polling; what is below comes as history. Changes to messages
//!   below are kept, unseen, so that a page of history cut before them cannot undo them.
//! * A room's unread count is brought up to date in the transaction that stores the messages.
//! * A message of our own that was sent from this device takes over its outbox row's key in the
//!   transaction that stores it, so at no moment are there two of it, or none.
//! * What is unsent, drafts too, survives the file: it is written down a second time (`salvage.rs`).
//! * Changes are announced in the order they were committed ([`Cache::commit`]).
//!
//! # Durability
//! WAL with `synchronous=NORMAL`: a commit survives the process being killed at any point, and
//! costs no `fsync`. A power cut, a battery torn out, may take the last moments before it back: the
//! file stays consistent and the server still has its messages, but a message that was written in
//! those moments and not sent yet is lost. Syncing each one would cost every send tens of
//! milliseconds on a phone's flash, for the seconds of a phone's life when that matters.

mod changes;
mod connection;
mod drafts;
mod messages;
mod migrations;
mod outbox;
mod rooms;
mod salvage;
mod summaries;

pub(crate) use changes::{OutgoingChange, delete, discard, edit, retry};
pub use connection::Cache;
pub(crate) use drafts::{draft, save_draft};
pub(crate) use messages::{
    apply_ahead, apply_first_page, apply_history, apply_page, begin_anew, newest, newest_id, trim,
};
pub(crate) use outbox::{
    Outgoing, Schedule, add, mark_failed, mark_pending, mark_sending, mark_sent, next, rooms_with_work,
    unsent,
};
pub(crate) use rooms::{Reach, cursor, mark_read, marker_on_server, reach, unsent_marker};
pub(crate) use summaries::{list, replace};

/// Changes of messages, as the outbox sends them.
pub(crate) mod change {
    pub(crate) use super::changes::{confirm, mark_pending, mark_sending, next, refuse};
}
