//! A small run of the streams' bench: nothing is timed, but every listener of every kind has to hear every message once.

use chat_testkit::binary;
use std::process::Command;

#[test]
fn every_listener_of_every_kind_hears_each_message_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_chat-bench"))
        .args(["streams", "--only", "fanout,phones", "--rounds", "1", "--server"])
        .arg(binary("chat-server"))
        .args(["--listeners", "30", "--rates", "40", "--seconds", "0.5"])
        .args(["--idle-seconds", "1", "--phone-messages", "2", "--silent-polls", "200"])
        .output()
        .unwrap();
    let (tables, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A delivery lost or doubled ends the run.
    assert!(output.status.success(), "{errors}");
    for way in ["| WebSocket | 40", "| SSE | 40", "| long polling | 40", "| WebSocket, one write each | 40"] {
        assert!(tables.contains(way), "no figures of {way}: {tables}");
    }
    for phone in ["| polling |", "| long polling |", "| SSE |", "| WebSocket |"] {
        assert!(tables.contains(phone), "no phone's figures of {phone}: {tables}");
    }
}
