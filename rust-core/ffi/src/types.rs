//! The engine's types in uniffi's clothes, and the one place where each is converted.

use crate::{ConnectionError, EndReason};
use chat_engine as engine;
use chat_engine::protocol::limits::MAX_TEXT_SCALARS;
use chat_engine::protocol::{MessageId, Seq, TextError};

/// An error of a call into the library. Nothing was stored or sent by the call that threw it.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum CoreError {
    /// The configuration cannot work.
    #[error("invalid configuration: {reason}")]
    InvalidConfig {
        /// Which part, and why.
        reason: String,
    },
    /// Nothing but white space in Unicode's sense.
    #[error("the text is blank")]
    TextBlank,
    /// Too many code points.
    #[error("the text has {scalars} characters, the limit is {limit}")]
    TextTooLong {
        /// Code points found.
        scalars: u32,
        /// Code points allowed.
        limit: u32,
    },
    /// The text holds a character that cannot be stored (U+0000).
    #[error("the text holds a character that cannot be stored")]
    TextInvalid,
    /// Not a room number: these begin at 1.
    #[error("not a room number")]
    InvalidRoom,
    /// Another client, in this process or another, has this account open.
    #[error("the cache is in use by another client")]
    CacheInUse,
    /// A later version of the library has written the cache.
    #[error("the cache was written by a later version")]
    CacheTooNew,
    /// No room on the device; works again when there is.
    #[error("storage: the disk is full")]
    DiskFull,
    /// SQLite or the file system refused.
    #[error("storage: {reason}")]
    Storage {
        /// In SQLite's or the system's words.
        reason: String,
    },
    /// No such message, or not in a state for this.
    #[error("no such message, or not in a state for that")]
    NotFound,
    /// The message is somebody else's.
    #[error("not the sender of the message")]
    NotTheSender,
    /// The message may be on the server already: it can be deleted, not taken back.
    #[error("the message may have been sent already")]
    TooLate,
    /// The client was shut down.
    #[error("the client is closed")]
    Closed,
}

impl From<engine::EngineError> for CoreError {
    fn from(error: engine::EngineError) -> Self {
        use engine::EngineError as E;
        match error {
            E::InvalidConfig(reason) => CoreError::InvalidConfig { reason },
            E::Text(TextError::Blank) => CoreError::TextBlank,
            E::Text(TextError::TooLong { scalars }) => {
                let scalars = u32::try_from(scalars).unwrap_or(u32::MAX);
                CoreError::TextTooLong { scalars, limit: MAX_TEXT_SCALARS as u32 }
            }
            E::Text(TextError::Nul) => CoreError::TextInvalid,
            E::CacheInUse => CoreError::CacheInUse,
            E::CacheTooNew { .. } => CoreError::CacheTooNew,
            E::DiskFull => CoreError::DiskFull,
            E::NotFound => CoreError::NotFound,
            E::NotTheSender => CoreError::NotTheSender,
            E::TooLate => CoreError::TooLate,
            E::Closed => CoreError::Closed,
            // `EngineError` may grow; what is new is storage's until it has a name of its own here.
            other => CoreError::Storage { reason: other.to_string() },
        }
    }
}

/// What a listener's exception becomes on its way through. Its message is dropped: it may hold anything.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// The method threw.
    #[error("the listener threw")]
    Threw,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        ListenerError::Threw
    }
}

/// How far a message has got: Pending ⇄ Sending → Sent → Confirmed, or Failed.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum DeliveryState {
    /// On this device, waiting for its turn or for the network.
    Pending,
    /// On its way.
    Sending,
    /// The server has it; polling has not brought it back yet.
    Sent,
    /// Part of the room's history. Everything from others is.
    Confirmed,
    /// The server will not take it.
    Failed {
        /// Why.
        reason: FailureReason,
    },
}

/// Why the server will not take a message.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum FailureReason {
    /// Refused as it is.
    Refused,
    /// The user is not in the room.
    NotAMember,
    /// The room is no more.
    RoomNotFound,
}

/// Whether an edit or the deletion of an own message waits for the server. It shows at once; refused,
/// the message shows as it was.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum ChangeState {
    /// Nothing waits.
    None,
    /// It shows, and the server has not confirmed it.
    Pending,
    /// The server will not have it: to be retried or discarded.
    Failed {
        /// Why.
        reason: FailureReason,
    },
}

/// One message on screen.
#[derive(Debug, Clone, uniffi::Record)]
pub struct TimelineItem {
    /// Its identity on screen, for as long as it is there: the message's id if positive, else given
    /// by this device and kept when the server confirms the message.
    pub key: i64,
    /// Its number in the room, once confirmed.
    pub id: Option<i64>,
    /// Its newest change, once confirmed.
    pub seq: Option<i64>,
    /// Who wrote it.
    pub sender: String,
    /// Whether that is this account.
    pub own: bool,
    /// What it says; empty when deleted.
    pub text: String,
    /// Milliseconds since 1970-01-01T00:00Z; by the server's clock once confirmed.
    pub sent_at_ms: i64,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether only its tombstone is left.
    pub deleted: bool,
    /// How far it has got.
    pub state: DeliveryState,
    /// What the user wants changed of it.
    pub change: ChangeState,
}

impl From<engine::TimelineItem> for TimelineItem {
    fn from(item: engine::TimelineItem) -> Self {
        Self {
            key: item.key.get(),
            id: item.id.map(MessageId::get),
            seq: item.seq.map(Seq::get),
            sender: item.sender.as_str().to_owned(),
            own: item.own,
            text: item.text,
            sent_at_ms: item.sent_at.as_millis(),
            edited: item.edited,
            deleted: item.deleted,
            state: item.state.into(),
            change: match item.change {
                engine::ChangeState::None => ChangeState::None,
                engine::ChangeState::Pending => ChangeState::Pending,
                engine::ChangeState::Failed(reason) => ChangeState::Failed { reason: reason.into() },
            },
        }
    }
}

impl From<engine::DeliveryState> for DeliveryState {
    fn from(state: engine::DeliveryState) -> Self {
        match state {
            engine::DeliveryState::Pending => DeliveryState::Pending,
            engine::DeliveryState::Sending => DeliveryState::Sending,
            engine::DeliveryState::Sent => DeliveryState::Sent,
            engine::DeliveryState::Confirmed => DeliveryState::Confirmed,
            engine::DeliveryState::Failed(reason) => DeliveryState::Failed { reason: reason.into() },
        }
    }
}

impl From<engine::FailureReason> for FailureReason {
    fn from(reason: engine::FailureReason) -> Self {
        match reason {
            engine::FailureReason::Refused => FailureReason::Refused,
            engine::FailureReason::NotAMember => FailureReason::NotAMember,
            engine::FailureReason::RoomNotFound => FailureReason::RoomNotFound,
        }
    }
}

/// What a screen shows about a room beside its messages.
#[derive(Debug, Clone, Copy, uniffi::Record)]
pub struct RoomStatus {
    /// Whether there are older messages than those shown, here or on the server.
    pub has_older: bool,
    /// The number of the last message read, here or on another device.
    pub read_marker: Option<i64>,
    /// Messages of others beyond it.
    pub unread: u64,
}

impl From<engine::RoomStatus> for RoomStatus {
    fn from(status: engine::RoomStatus) -> Self {
        let read_marker = status.read_marker.map(MessageId::get);
        Self { has_older: status.has_older, read_marker, unread: status.unread }
    }
}

/// A change of a timeline. Screen order: confirmed items by id, then the others by falling key (-1, -2, …).
/// Ids are dense: where two neighbours' are not, what lies between is still to come.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum TimelineUpdate {
    /// Replaces everything.
    Snapshot {
        /// The newest items, in screen order.
        items: Vec<TimelineItem>,
        /// The rest.
        status: RoomStatus,
    },
    /// Removes some items by key, then adds or replaces others by key.
    Diff {
        /// New or changed.
        upserted: Vec<TimelineItem>,
        /// Keys no longer there.
        removed: Vec<i64>,
        /// The rest, as it is now.
        status: RoomStatus,
    },
}

impl From<engine::TimelineUpdate> for TimelineUpdate {
    fn from(update: engine::TimelineUpdate) -> Self {
        let convert = |items: Vec<engine::TimelineItem>| items.into_iter().map(Into::into).collect();
        match update {
            engine::TimelineUpdate::Snapshot { items, status } => {
                TimelineUpdate::Snapshot { items: convert(items), status: status.into() }
            }
            engine::TimelineUpdate::Diff { upserted, removed, status } => TimelineUpdate::Diff {
                upserted: convert(upserted),
                removed: removed.into_iter().map(engine::ItemKey::get).collect(),
                status: status.into(),
            },
        }
    }
}

/// What came of asking for older messages.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum LoadResult {
    /// They are in the timeline.
    Loaded {
        /// Whether there are older ones still.
        has_older: bool,
    },
    /// The server could not be asked, or its answer not be stored. Asking again is always right.
    Failed {
        /// What went wrong.
        error: ConnectionError,
    },
    /// The session or the room is over.
    Ended {
        /// Which.
        reason: EndReason,
    },
    /// The client was shut down.
    Closed,
}

impl From<Result<engine::Loaded, engine::LoadError>> for LoadResult {
    fn from(result: Result<engine::Loaded, engine::LoadError>) -> Self {
        match result {
            Ok(engine::Loaded { has_older }) => LoadResult::Loaded { has_older },
            Err(engine::LoadError::Failed(error)) => LoadResult::Failed { error: (&error).into() },
            Err(engine::LoadError::Ended(reason)) => LoadResult::Ended { reason: reason.into() },
            Err(engine::LoadError::Closed) => LoadResult::Closed,
        }
    }
}
