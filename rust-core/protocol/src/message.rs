//! Messages and pages of them.

use crate::{MessageId, Seq, Timestamp, TransactionId, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A message as it stands after the change `seq`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Its place in the room.
    pub id: MessageId,
    /// The last change made to it. Of two versions the one with the higher `seq` wins.
    pub seq: Seq,
    /// Who wrote it.
    pub sender: UserId,
    /// What it says; empty once deleted.
    pub text: String,
    /// When the server took it.
    pub sent_at: Timestamp,
    /// When it was last edited, if ever.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub edited_at: Option<Timestamp>,
    /// Whether only its tombstone is left.
    pub deleted: bool,
    /// The sender's own key for it, told to the sender alone, and left out for everybody else. It
    /// lets a device recognise its own message when it comes by polling before the answer to the
    /// `POST` does, or when that answer is lost (ADR 0002).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub transaction_id: Option<TransactionId>,
}

/// Everything but the text, which belongs in no log.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message {{ id: {}, seq: {}, {} bytes of text }}", self.id, self.seq, self.text.len())
    }
}

/// `200` of `GET …/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page {
    /// By `seq` when asked with `after`, else by `id`; oldest first in both.
    pub messages: Vec<Message>,
    /// With `after`: the last `seq` of this page, to ask after next. Else the room's newest `seq`.
    pub cursor: Seq,
    /// Whether the same question goes on: newer changes with `after`, else older messages.
    pub has_more: bool,
}

/// Body of `POST …/messages`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendMessage {
    /// What to say.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::MessageText))]
    pub text: String,
}

impl fmt::Debug for SendMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendMessage({} bytes)", self.text.len())
    }
}

/// Body of `PATCH …/messages/{id}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditMessage {
    /// What it shall say.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::MessageText))]
    pub text: String,
}

impl fmt::Debug for EditMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EditMessage({} bytes)", self.text.len())
    }
}
