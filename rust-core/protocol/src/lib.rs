//! The wire of chat-core, protocol v1: types, limits and error codes, and no I/O.
//!
//! Server and engine both depend on this crate, so neither can drift from the other; the files
//! in `golden/` pin the JSON itself, so neither can both of them together.
//!
//! # Numbers
//! A room numbers its messages 1, 2, 3 … ([`MessageId`], dense: a deleted message leaves a
//! tombstone) and its changes 1, 2, 3 … ([`Seq`]: each creation, edit and deletion takes the
//! next). The cursor of every transport is the last [`Seq`] seen.

mod error;
mod ids;
pub mod limits;
mod message;
#[cfg(feature = "openapi")]
mod openapi;
mod room;
mod stream;
mod text;
mod time;

pub use error::{ErrorCode, PROBLEM_CONTENT_TYPE, Problem};
pub use ids::{InvalidId, MessageId, RoomId, Seq, TransactionId, UserId};
pub use message::{EditMessage, Message, Page, SendMessage};
pub use room::{CreateRoom, MarkRead, ReadMarker, Room, RoomSummary, Rooms};
pub use stream::{
    BEARER_SUBPROTOCOL, ClientFrame, CloseCode, EVENT_END, EVENT_MESSAGE, JITTER, SUBPROTOCOL, ServerFrame,
};
pub use text::{MessageText, TextError};
pub use time::Timestamp;

/// Header that carries the client's [`TransactionId`] with a `POST` (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Header of a `200` or `204` of `GET …/messages` or `GET /v1/rooms`: whole seconds that the server
/// would like between two polls. A wish, kept for as long as each answer repeats it.
pub const POLL_INTERVAL: &str = "chat-poll-interval";
