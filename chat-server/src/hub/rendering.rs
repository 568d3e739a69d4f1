//! From changes to bytes, once for all listeners of a kind.
//!
//! The one thing that differs between listeners is the `transaction_id`, which is told to a message's
//! sender alone (ADR 0002): who has a message in the batch gets a rendering of its own, everybody else
//! shares one.

use crate::socket::frames;
use bytes::Bytes;
use chat_protocol::{EVENT_MESSAGE, Message, Page, Seq, ServerFrame, UserId};
use std::cell::OnceCell;
use std::io::Write;

/// How changes are written for a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendering {
    /// As server-sent events.
    Sse,
    /// As a WebSocket frame around the JSON of a [`ServerFrame::Changes`].
    Socket,
    /// As the JSON of a [`Page`], to a long poll: once, and that is the end of it.
    Page {
        /// Most messages, from 1.
        limit: u32,
    },
}

impl Rendering {
    /// Whether one item is all that is wanted.
    pub(super) fn is_page(self) -> bool {
        matches!(self, Self::Page { .. })
    }

    /// Most messages that are wanted at once, if that is bounded.
    pub(super) fn limit(self) -> Option<u32> {
        match self {
            Self::Page { limit } => Some(limit),
            Self::Sse | Self::Socket => None,
        }
    }

    /// What a listener gets first: whatever it has missed. An empty answer is one to a socket alone.
    pub(super) fn first(self, page: Option<Page>, after: Seq) -> Option<Bytes> {
        match page {
            Some(page) => Some(self.bytes(page.messages, page.cursor, page.has_more)),
            None if self == Self::Socket => Some(self.bytes(Vec::new(), after, false)),
            None => None,
        }
    }

    fn bytes(self, mut messages: Vec<Message>, mut cursor: Seq, mut has_more: bool) -> Bytes {
        // What is written into a buffer are strings and numbers: neither serialising nor writing can fail.
        let json = match self {
            Self::Sse => {
                let mut events = Vec::with_capacity(messages.len() * 256);
                for message in &messages {
                    let _ = write!(events, "event: {EVENT_MESSAGE}\nid: {}\ndata: ", message.seq);
                    let _ = serde_json::to_writer(&mut events, message);
                    events.extend_from_slice(b"\n\n");
                }
                Ok(events)
            }
            Self::Socket => return frames::server(&ServerFrame::Changes { messages, cursor }),
            Self::Page { limit } => {
                if messages.len() > limit as usize {
                    messages.truncate(limit as usize);
                    (cursor, has_more) = (messages.last().map_or(cursor, |last| last.seq), true);
                }
                serde_json::to_vec(&Page { messages, cursor, has_more })
            }
        };
        json.unwrap_or_default().into()
    }
}

/// What changed in a room between two cursors, written as often as need be.
pub(super) struct Batch {
    messages: Vec<Message>,
    after: Seq,
    pub(super) cursor: Seq,
    has_more: bool,
    sse: OnceCell<Bytes>,
    socket: OnceCell<Bytes>,
    page: OnceCell<Bytes>,
}

impl Batch {
    pub(super) fn new(messages: Vec<Message>, after: Seq, cursor: Seq, has_more: bool) -> Self {
        let (sse, socket, page) = Default::default();
        Self { messages, after, cursor, has_more, sse, socket, page }
    }

    /// What `user` has not seen of it, who has seen everything up to `seen`.
    pub(super) fn for_listener(&self, user: &UserId, rendering: Rendering, seen: Seq) -> Bytes {
        let fits = rendering.limit().is_none_or(|limit| self.messages.len() <= limit as usize);
        let own = self.messages.iter().any(|message| message.sender == *user);
        if own || seen > self.after || !fits {
            return rendering.bytes(self.seen_by(Some(user), seen), self.cursor, self.has_more);
        }
        let common = match rendering {
            Rendering::Sse => &self.sse,
            Rendering::Socket => &self.socket,
            Rendering::Page { .. } => &self.page,
        };
        let write = || rendering.bytes(self.seen_by(None, seen), self.cursor, self.has_more);
        common.get_or_init(write).clone()
    }

    fn seen_by(&self, user: Option<&UserId>, seen: Seq) -> Vec<Message> {
        let unseen = self.messages.iter().filter(|message| message.seq > seen);
        let as_seen = |message: &Message| Message {
            transaction_id: message.transaction_id.clone().filter(|_| Some(&message.sender) == user),
            ..message.clone()
        };
        unseen.map(as_seen).collect()
    }
}
