//! Every bound that both ends of the wire must agree on, each in one place.

/// Most Unicode scalar values in a message, counted after [`crate::MessageText`] has trimmed and normalised it.
pub const MAX_TEXT_SCALARS: usize = 4_000;

/// Messages in a page when the client names no limit.
pub const DEFAULT_PAGE: u32 = 100;

/// Most messages in a page.
pub const MAX_PAGE: u32 = 500;

/// Most bytes of one decoded answer. A full page of the longest messages is 500 × 4,000 × 4 bytes
/// = 8 MB of text and about 0.1 MB around it; an answer beyond this bound is not a page of ours.
pub const MAX_RESPONSE_BYTES: usize = 9 << 20;

/// Most bytes of one request body: 4,000 scalar values, each escaped as two `\uXXXX` (12 bytes),
/// are 48 KB; the rest is room for white space that trimming would take away.
pub const MAX_REQUEST_BYTES: usize = 64 << 10;

/// Most bytes in an `Idempotency-Key`. A UUID takes 36.
pub const MAX_TRANSACTION_ID_BYTES: usize = 128;

/// Most bytes in a user id. It stands in a URL path and in a token's `sub`.
pub const MAX_USER_ID_BYTES: usize = 128;

/// Most Unicode scalar values in a room's title.
pub const MAX_TITLE_SCALARS: usize = 200;

/// Most members named in one `POST /v1/rooms`.
pub const MAX_ROOM_MEMBERS: usize = 1_000;

/// Most seconds that a long poll may ask to be held (`wait=`); a server holds it no longer than it sees fit.
/// Below the 60 s after which many proxies give up on a silent request.
pub const MAX_WAIT_SECONDS: u32 = 55;

/// Most seconds between two signs of life on a server-sent event stream or a WebSocket. Below the 30 s after
/// which the strictest mobile networks forget a silent connection.
pub const HEARTBEAT_SECONDS: u32 = 25;
