//! The JSON on the wire, to the byte. A failure here is a change of protocol, not of a test.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_protocol::{
    ClientFrame, CloseCode, CreateRoom, EditMessage, ErrorCode, MarkRead, Message, Page, Problem, ReadMarker,
    Room, Rooms, SendMessage, ServerFrame,
};
use serde::{Serialize, de::DeserializeOwned};

/// Reads a golden file, and demands that writing it back gives the same bytes.
fn pinned<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let json = std::fs::read_to_string(path).unwrap();
    let value: T = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), json.trim_end());
    value
}

#[test]
fn every_golden_file_reads_and_writes_back_the_same_bytes() {
    assert_eq!(pinned::<Message>("message").text, "안녕 👋");
    assert!(pinned::<Message>("message_own").transaction_id.is_some());
    assert_eq!(
        pinned::<Message>("message_edited").edited_at.unwrap().to_string(),
        "2026-01-02T03:05:00.000Z"
    );
    assert!(pinned::<Message>("message_deleted").deleted);
    assert_eq!(pinned::<Page>("page").messages.len(), 1);
    assert_eq!(pinned::<Page>("page_empty").cursor.get(), 0);
    assert_eq!(pinned::<SendMessage>("send_message").text, "안녕 👋");
    assert_eq!(pinned::<EditMessage>("edit_message").text, "안녕 👋");
    assert_eq!(pinned::<MarkRead>("mark_read").id.get(), 17);
    assert_eq!(pinned::<ReadMarker>("read_marker").unread, 3);
    assert_eq!(pinned::<CreateRoom>("create_room").members.len(), 2);
    assert_eq!(pinned::<Room>("room").title, "점심");
    assert_eq!(pinned::<Rooms>("rooms").rooms.len(), 2);
    assert_eq!(pinned::<Problem>("problem").code, ErrorCode::TokenExpired);
    assert!(matches!(pinned("frame_changes"), ServerFrame::Changes { cursor, .. } if cursor.get() == 1));
    assert!(
        matches!(pinned("frame_changes_none"), ServerFrame::Changes { messages, .. } if messages.is_empty())
    );
    assert!(matches!(pinned("frame_sent"), ServerFrame::Sent { message, .. } if message.id.get() == 18));
    assert!(matches!(pinned("frame_refused"), ServerFrame::Refused { retry_after: Some(1), .. }));
    assert!(matches!(pinned("frame_send"), ClientFrame::Send { text, .. } if text == "안녕 👋"));
}

#[test]
fn a_frame_of_a_later_version_is_known_as_such_and_a_client_frame_has_no_surplus() {
    let frame = serde_json::from_str::<ServerFrame>(r#"{"type":"typing","user":"bob"}"#).unwrap();
    assert_eq!(frame, ServerFrame::Unknown);
    for bad in [r#"{"type":"shout"}"#, r#"{"type":"send","transaction_id":"k","text":"t","to":"bob"}"#, "{}"]
    {
        assert!(serde_json::from_str::<ClientFrame>(bad).is_err(), "{bad}");
    }
}

#[test]
fn every_close_code_is_one_that_rfc_6455_leaves_to_us_and_means_one_thing() {
    for code in CloseCode::ALL {
        assert_eq!(CloseCode::from_number(code.number()), Some(*code));
        assert!(matches!(code.number(), 1001 | 1008 | 1009 | 1011 | 4000..=4999));
    }
    assert_eq!(CloseCode::from_number(1000), None);
}

#[test]
fn a_field_or_a_code_of_a_later_version_is_ignored() {
    let json = r#"{"id":1,"seq":1,"sender":"a","text":"t","sent_at":"2026-01-02T03:04:05Z","edited_at":null,"deleted":false,"reactions":[]}"#;
    assert_eq!(serde_json::from_str::<Message>(json).unwrap().id.get(), 1);
    let json = r#"{"type":"about:blank","title":"?","status":418,"code":"teapot"}"#;
    assert_eq!(serde_json::from_str::<Problem>(json).unwrap().code, ErrorCode::Unknown);
}

#[test]
fn a_number_that_cannot_be_an_id_is_refused() {
    for (id, seq) in [("0", "1"), ("-1", "1"), ("1", "-1"), ("1.5", "1"), ("9223372036854775808", "1")] {
        let json = format!(
            r#"{{"id":{id},"seq":{seq},"sender":"a","text":"t","sent_at":"2026-01-02T03:04:05Z","edited_at":null,"deleted":false}}"#
        );
        assert!(serde_json::from_str::<Message>(&json).is_err(), "{json}");
    }
    assert!("+7".parse::<chat_protocol::Seq>().is_err());
    assert!(chat_protocol::UserId::new("a/b").is_err());
    assert!(chat_protocol::TransactionId::new("키").is_err());
}

#[test]
fn every_code_is_spelled_once_and_carries_an_error_status() {
    let mut seen = std::collections::HashSet::new();
    for code in ErrorCode::ALL {
        assert!(seen.insert(code.as_str()));
        assert!((400..600).contains(&code.status()));
        let json = serde_json::to_string(&Problem::new(*code)).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&json).unwrap().code, *code);
    }
}
