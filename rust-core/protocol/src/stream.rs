//! What travels on a connection that is held: long polls, `text/event-stream` and the WebSocket.
//!
//! All three resume at the same cursor as polling does, the last [`Seq`] seen.
//!
//! # Server-sent events
//! `GET …/events?after=SEQ`, or `Last-Event-ID: SEQ`, which wins. First a comment, at once, so that a client
//! knows a stream that flushes from one that a proxy holds back; then each change as
//! `event: message`, `id:` its `seq`, `data:` the [`Message`]. Comments are the heartbeat. When the server
//! ends the stream it says why: `event: end`, `data:` a [`crate::Problem`].
//!
//! # WebSocket
//! `GET …/socket?after=SEQ` with the subprotocol [`SUBPROTOCOL`]; text frames, each one JSON object:
//! [`ServerFrame`] down, beginning with the changes since the cursor (none, when there are none), and
//! [`ClientFrame`] up. The server pings; whoever ends says why by a [`CloseCode`].

use crate::{ErrorCode, Message, Problem, Seq, TransactionId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Header of an answer to a long poll: milliseconds over which the client is asked to spread its next
/// question. Left out when nobody else waits in the room.
pub const JITTER: &str = "chat-jitter";

/// The WebSocket subprotocol of this protocol.
pub const SUBPROTOCOL: &str = "chat.v1";

/// Prefix of a second "subprotocol" that carries the token of a browser, which can set no header:
/// `Sec-WebSocket-Protocol: chat.v1, bearer.JWT`. Never answered, never logged.
pub const BEARER_SUBPROTOCOL: &str = "bearer.";

/// `event:` of a server-sent event whose `data:` is a [`Message`].
pub const EVENT_MESSAGE: &str = "message";

/// `event:` of the last server-sent event of a stream, whose `data:` is a [`Problem`].
pub const EVENT_END: &str = "end";

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ServerFrame {
    /// What changed since the frame before, oldest change first. The first one answers the handshake's `after`.
    Changes {
        /// By `seq`; may be empty.
        messages: Vec<Message>,
        /// The last `seq` of them, or the one asked after.
        cursor: Seq,
    },
    /// A [`ClientFrame::Send`] is stored, now or at an earlier try.
    Sent {
        /// The key it came with.
        transaction_id: TransactionId,
        /// What was stored.
        message: Message,
    },
    /// A [`ClientFrame::Send`] is not stored.
    Refused {
        /// The key it came with.
        transaction_id: TransactionId,
        /// Why, as `POST` would have answered.
        problem: Problem,
        /// Seconds until it may be tried again, where it may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        retry_after: Option<u32>,
    },
    /// Of a later version; never sent.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// A frame from the client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ClientFrame {
    /// As `POST …/messages` with an `Idempotency-Key`. Answered by [`ServerFrame::Sent`] or [`ServerFrame::Refused`].
    Send {
        /// The sender's key: the same on every try, on whichever transport.
        transaction_id: TransactionId,
        /// What to say.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::MessageText))]
        text: String,
    },
}

impl fmt::Debug for ClientFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientFrame::Send { text, .. } => write!(f, "Send({} bytes)", text.len()),
        }
    }
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $code:ident;)*) => {
        /// Why a WebSocket was closed (RFC 6455 §7.4). The close frame's reason is the `code` in words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CloseCode { $($(#[$doc])* $name,)* }

        impl CloseCode {
            /// Every code that this protocol gives a meaning.
            pub const ALL: &[CloseCode] = &[$(CloseCode::$name),*];

            /// On the wire.
            pub const fn number(self) -> u16 {
                match self { $(CloseCode::$name => $number,)* }
            }

            /// The same as an error code; also that of the SSE stream's `end`.
            pub const fn code(self) -> ErrorCode {
                match self { $(CloseCode::$name => ErrorCode::$code,)* }
            }

            /// What a number means, if anything here.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(CloseCode::$name),)* _ => None }
            }
        }
    };
}

close_codes! {
    /// The server stops, or drains for a new version: come back, perhaps to another.
    GoingAway = 1001, Unavailable;
    /// A frame that the protocol does not have.
    BadFrame = 1008, BadRequest;
    /// A frame larger than [`crate::limits::MAX_REQUEST_BYTES`].
    TooLarge = 1009, BodyTooLarge;
    /// The server's own fault.
    Internal = 1011, Internal;
    /// The token is no longer good; come back with a new one.
    TokenExpired = 4401, TokenExpired;
    /// The user is not in the room any more.
    NotAMember = 4403, NotAMember;
    /// The room is no more.
    RoomGone = 4410, RoomGone;
    /// The client read more slowly than the room talks: come back with the last cursor.
    SlowReader = 4408, SlowReader;
    /// More frames than anybody types.
    RateLimited = 4429, RateLimited;
}
