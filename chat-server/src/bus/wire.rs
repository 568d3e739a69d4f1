//! What is on the channel: JSON, so that `redis-cli subscribe chat` shows an operator what goes on.
//!
//! `{"v":1,"node":"6f1c…","n":17,"rooms":[{"room":3,"changes":2,"urgent":false}]}`
//!
//! Fields may be added. What an older node could misread gets another version, which it leaves alone: until all nodes
//! speak it, the slow re-reading serves them.

use crate::store::Changed;
use chat_protocol::RoomId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Of this format.
const VERSION: u32 = 1;

/// The largest message that is looked at. Ours are a tenth of it.
const MOST_BYTES: usize = 256 << 10;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) node: Uuid,
    pub(super) number: u64,
    pub(super) notices: Vec<Changed>,
}

#[derive(Serialize, Deserialize)]
struct OnTheWire {
    v: u32,
    node: String,
    n: u64,
    rooms: Vec<Notice>,
}

#[derive(Serialize, Deserialize)]
struct Notice {
    room: RoomId,
    changes: u32,
    urgent: bool,
}

pub(super) fn write(node: Uuid, number: u64, notices: &[Changed]) -> Vec<u8> {
    let notice =
        |change: &Changed| Notice { room: change.room, changes: change.changes, urgent: change.urgent };
    let rooms = notices.iter().map(notice).collect();
    // Numbers and a name: serialising them cannot fail.
    serde_json::to_vec(&OnTheWire { v: VERSION, node: node.to_string(), n: number, rooms })
        .unwrap_or_default()
}

/// `None` for what is none of our messages, or of another version.
pub(super) fn read(payload: &[u8]) -> Option<Message> {
    if payload.len() > MOST_BYTES {
        return None;
    }
    let message: OnTheWire = serde_json::from_slice(payload).ok()?;
    if message.v != VERSION {
        return None;
    }
    let change =
        |notice: Notice| Changed { room: notice.room, changes: notice.changes, urgent: notice.urgent };
    let notices = message.rooms.into_iter().map(change).collect();
    Some(Message { node: Uuid::parse_str(&message.node).ok()?, number: message.n, notices })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_as_it_was_written_and_looks_like_this() {
        let notice = Changed { room: RoomId::new(3).unwrap(), changes: 2, urgent: true };
        let bytes = write(Uuid::nil(), 17, &[notice]);
        let text = r#"{"v":1,"node":"00000000-0000-0000-0000-000000000000","n":17,"rooms":[{"room":3,"changes":2,"urgent":true}]}"#;
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), text);
        assert_eq!(read(&bytes), Some(Message { node: Uuid::nil(), number: 17, notices: vec![notice] }));
        assert!(read(text.replace("\"n\"", "\"later\":1,\"n\"").as_bytes()).is_some(), "fields may be added");
    }

    #[test]
    fn what_is_none_of_our_messages_is_left_alone() {
        let ours = String::from_utf8(write(Uuid::nil(), 1, &[])).unwrap();
        assert!(read(ours.as_bytes()).is_some());
        for strange in ["", "hello", "{}", "[]", &ours.replace("\"v\":1", "\"v\":2"), &ours[1..]] {
            assert_eq!(read(strange.as_bytes()), None, "{strange}");
        }
        assert_eq!(read(&vec![b' '; MOST_BYTES + 1]), None);
        assert_eq!(read(ours.replace("[]", r#"[{"room":0,"changes":1,"urgent":false}]"#).as_bytes()), None);
    }
}
