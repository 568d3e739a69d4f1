//! Rooms and who is in them.

use crate::{Message, MessageId, RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Body of `POST /v1/rooms`. The caller becomes a member whether named or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRoom {
    /// What it is called. Trimmed; control characters are refused.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Title))]
    pub title: String,
    /// Who else is in it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::named_members))]
    pub members: Vec<UserId>,
}

/// `201` of `POST /v1/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Room {
    /// Its number.
    pub id: RoomId,
    /// Its title.
    pub title: String,
    /// Everybody in it, by name.
    pub members: Vec<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One line of [`Rooms`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomSummary {
    /// Its number.
    pub id: RoomId,
    /// Its title.
    pub title: String,
    /// Its newest message, if it has any. Its text may be cut short: what is read is in the room.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_message: Option<Message>,
    /// Messages of others beyond the caller's read marker.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub unread: i64,
    /// The last message the caller has read, on whichever device; `null` before the first.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub read_marker: Option<MessageId>,
}

/// `200` of `GET /v1/rooms`: the caller's rooms by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rooms {
    /// The rooms.
    pub rooms: Vec<RoomSummary>,
}

/// Body of `PUT …/read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkRead {
    /// The last message read: it and all before it.
    pub id: MessageId,
}

/// `200` of `PUT …/read`. A marker only moves forward, so this may be beyond what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadMarker {
    /// Where the marker is now.
    pub id: MessageId,
    /// Messages of others beyond it.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub unread: i64,
}
