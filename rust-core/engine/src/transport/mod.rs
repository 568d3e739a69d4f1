//! How the engine talks to a server: one trait, one file per transport, one suite run against all.
//!
//! A transport carries; it keeps nothing and decides nothing. What it reports as wrong is a
//! [`TransportError`], classified in `error.rs` where the raw HTTP answer comes in: nobody above
//! looks at a status code.
//!
//! # Four ways to hear of changes, one cursor
//! Everything can be asked for: that is [`Polling`], and what is sent up and paged through goes that way
//! always. The others are ways to *wait* for what comes next ([`Follow`]): a question that the server holds
//! back, a stream of events, a socket. All resume after the same cursor, so any can take over from any
//! other at any moment. Which one is used, and what is done when it fails, is the poller's to say.

mod check;
mod error;
mod http;
mod long_polling;
mod polling;
mod sse;
mod tls;
mod trust;
mod websocket;

pub use error::{BadAnswer, Fault, Retry, TransportError};
pub use polling::Polling;
pub use trust::{Distrust, ServerTrust, Trust};

use crate::Token;
use async_trait::async_trait;
use chat_protocol::{Message, MessageId, Page, ReadMarker, RoomId, Rooms, Seq, TransactionId};
use std::sync::Arc;
use std::time::Duration;

/// What a transport has to say about a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing new: `204`.
    Nothing,
    /// A page, already checked to continue from the cursor that was asked after.
    Page(Page),
}

/// What came of a poll, and how often the server would like one ([`chat_protocol::POLL_INTERVAL`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled<T> {
    /// The answer.
    pub answer: T,
    /// The server's wish, if it has one.
    pub interval: Option<Duration>,
}

impl<T> From<T> for Polled<T> {
    fn from(answer: T) -> Self {
        Self { answer, interval: None }
    }
}

/// The list of rooms, and the tag to ask by whether it is still this one (RFC 9110 §8.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedRooms {
    /// The list.
    pub rooms: Rooms,
    /// Its `ETag`, if the server gives one.
    pub tag: Option<String>,
}

/// A way to hear of a room's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// Asking again and again.
    Polling,
    /// A question that is answered when there is something to tell.
    LongPolling,
    /// Server-sent events.
    Sse,
    /// A WebSocket.
    WebSocket,
}

/// Which way an engine shall use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportChoice {
    /// This one; and polling for as long as it cannot be had, for no message waits for a transport's sake.
    Only(TransportKind),
    /// The richest that works here: WebSocket, server-sent events, long polling, polling.
    Auto,
}

/// Waits for a room's changes on a connection that is held.
#[async_trait]
pub trait Follow: Send + Sync + 'static {
    /// Begins with what comes after `after`. Ready when the server has shown that its words get through,
    /// where the transport can tell.
    ///
    /// # Errors
    /// A [`TransportError`]: refused, unreachable, or opened and silent.
    async fn follow(
        &self,
        room: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<Box<dyn ChangeStream>, TransportError>;
}

/// Changes as they come. Dropping it hangs up.
#[async_trait]
pub trait ChangeStream: Send {
    /// The next changes, each after those before; [`Answer::Nothing`] is a sign of life. Cancel-safe: what
    /// was not returned comes with the next call.
    ///
    /// # Errors
    /// The [`TransportError`] that ended the stream. There is no use in asking again.
    async fn next(&mut self) -> Result<Answer, TransportError>;
}

/// Carries a room's changes down and the user's wishes up.
///
/// All methods are cancel-safe in the sense that matters here: dropping the future ends the
/// request, and making it again, from the same cursor or with the same transaction id, loses and
/// doubles nothing.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// At most `limit` changes after `after`, oldest first, or the newest messages of the room with `None`.
    async fn changes(
        &self,
        room: RoomId,
        after: Option<Seq>,
        limit: u32,
        token: &Token,
    ) -> Result<Polled<Answer>, TransportError>;

    /// The newest messages before `before`, already checked to join it.
    async fn older(&self, room: RoomId, before: MessageId, token: &Token) -> Result<Page, TransportError>;

    /// The user's rooms; `None` when they are as `known` says.
    async fn rooms(
        &self,
        known: Option<&str>,
        token: &Token,
    ) -> Result<Polled<Option<TaggedRooms>>, TransportError>;

    /// Says `text` in a room. The same `transaction` is stored once, however often it is sent.
    async fn send(
        &self,
        room: RoomId,
        transaction: &TransactionId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError>;

    /// Has an own message say something else. Saying it again changes nothing.
    async fn edit(
        &self,
        room: RoomId,
        message: MessageId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError>;

    /// Deletes an own message. Doing so again changes nothing.
    async fn delete(
        &self,
        room: RoomId,
        message: MessageId,
        token: &Token,
    ) -> Result<Message, TransportError>;

    /// Moves the read marker forward.
    async fn mark_read(
        &self,
        room: RoomId,
        message: MessageId,
        token: &Token,
    ) -> Result<ReadMarker, TransportError>;

    /// The way to wait for changes by `kind`, if this transport has it. Polling needs none.
    fn follower(&self, kind: TransportKind) -> Option<Arc<dyn Follow>> {
        let _ = kind;
        None
    }

    /// How many requests were made so far, handshakes included.
    fn requests(&self) -> u64 {
        0
    }
}
