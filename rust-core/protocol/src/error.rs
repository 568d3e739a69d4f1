//! Errors on the wire: `application/problem+json` (RFC 9457) with a stable `code`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// The media type of a [`Problem`].
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// An error answer. Clients decide by `status` and `code`; `title` and `detail` are for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `about:blank` unless a page explains the code.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: Cow<'static, str>,
    /// The code in words, the same for every occurrence.
    pub title: Cow<'static, str>,
    /// The HTTP status, repeated for whoever reads the body alone.
    pub status: u16,
    /// What to act on.
    pub code: ErrorCode,
    /// What was wrong this time, without anything the user wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub detail: Option<String>,
}

fn about_blank() -> Cow<'static, str> {
    Cow::Borrowed("about:blank")
}

impl Problem {
    /// A problem with its code's own status and title.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            kind: about_blank(),
            title: Cow::Borrowed(code.title()),
            status: code.status(),
            code,
            detail: None,
        }
    }

    /// Says what was wrong this time. Never pass message text or a token.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $status:literal, $title:literal;)*) => {
        /// The stable codes of protocol v1. A code this version does not know reads as
        /// [`ErrorCode::Unknown`], so a newer server never breaks an older client.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $name,)* /// A code of a later version.
            Unknown }

        impl ErrorCode {
            /// Every code a server of this version sends.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name),*];

            /// As it stands in the JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $wire,)* ErrorCode::Unknown => "unknown" }
            }

            /// The HTTP status it travels with.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$name => $status,)* ErrorCode::Unknown => 500 }
            }

            /// The code in words.
            pub const fn title(self) -> &'static str {
                match self { $(ErrorCode::$name => $title,)* ErrorCode::Unknown => "Unknown error" }
            }

            fn parse(code: &str) -> Self {
                match code { $($wire => ErrorCode::$name,)* _ => ErrorCode::Unknown }
            }
        }
    };
}

codes! {
    /// Query, path or body cannot be read.
    BadRequest = "bad_request", 400, "Bad request";
    /// `POST` of a message without `Idempotency-Key`.
    IdempotencyKeyMissing = "idempotency_key_missing", 400, "Idempotency-Key is missing";
    /// No `Authorization: Bearer …`.
    TokenMissing = "token_missing", 401, "A token is required";
    /// The token was good once; a new one will do.
    TokenExpired = "token_expired", 401, "The token has expired";
    /// The token is not one of ours, or was withdrawn: asking for another is the only way on.
    TokenRefused = "token_refused", 401, "The token is refused";
    /// The caller is not in the room.
    NotAMember = "not_a_member", 403, "Not a member of the room";
    /// A page of an origin that is not on the server's list may open no WebSocket (RFC 6455 §10.2).
    OriginRefused = "origin_refused", 403, "The origin is not allowed";
    /// The message is somebody else's: only its sender edits or deletes it.
    NotTheSender = "not_the_sender", 403, "Not the sender of the message";
    /// No such room.
    RoomNotFound = "room_not_found", 404, "No such room";
    /// The room has no such message.
    MessageNotFound = "message_not_found", 404, "No such message";
    /// No such route.
    NotFound = "not_found", 404, "No such resource";
    /// The route exists, not with this method.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// `after` is beyond the room's newest change: the server was set back, or the cursor is another's.
    CursorAhead = "cursor_ahead", 409, "The cursor is ahead of the room";
    /// The room is no more.
    RoomGone = "room_gone", 410, "The room is gone";
    /// The message was deleted; a tombstone is not edited.
    MessageDeleted = "message_deleted", 410, "The message was deleted";
    /// The body is larger than [`crate::limits::MAX_REQUEST_BYTES`].
    BodyTooLarge = "body_too_large", 413, "The body is too large";
    /// The body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, "The body must be application/json";
    /// See [`crate::TextError`].
    TextBlank = "text_blank", 422, "The text is blank";
    /// See [`crate::TextError`].
    TextTooLong = "text_too_long", 422, "The text is too long";
    /// See [`crate::TextError`].
    TextInvalid = "text_invalid", 422, "The text holds a character that cannot be stored";
    /// The socket's route wants a WebSocket handshake, with the subprotocol [`crate::SUBPROTOCOL`].
    UpgradeRequired = "upgrade_required", 426, "A WebSocket handshake is required";
    /// The same key came with another text.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "Idempotency-Key was used for something else";
    /// A field has a value that is not allowed.
    Invalid = "invalid", 422, "A value is not allowed";
    /// Too many requests; `Retry-After` says when to come back.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// The server's own fault.
    Internal = "internal", 500, "Internal error";
    /// A stream was ended because its reader fell behind: it resumes by its cursor.
    SlowReader = "slow_reader", 503, "The reader is too slow";
    /// Not now; `Retry-After` says when.
    Unavailable = "unavailable", 503, "Unavailable";
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&Cow::<'_, str>::deserialize(d)?))
    }
}
