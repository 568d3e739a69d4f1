//! Peers that do not read.

use super::{read_frame, try_read_frame, within};
use crate::common::{Server, key, token};
use chat_protocol::{CloseCode, ServerFrame};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// 4,000 characters of four bytes.
fn long_text() -> String {
    "🦀".repeat(4_000)
}

/// A socket whose peer takes very little before the server's writes wait.
async fn narrow(server: &Server, room: chat_protocol::RoomId) -> TcpStream {
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4 << 10).unwrap();
    let mut tcp = tcp.connect(server.address().parse().unwrap()).await.unwrap();
    let head = format!(
        "GET /v1/rooms/{room}/socket?after=0 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {}\r\nsec-websocket-protocol: chat.v1, bearer.{}\r\n\r\n",
        super::KEY,
        token("bob")
    );
    tcp.write_all(head.as_bytes()).await.unwrap();
    assert!(super::read_head(&mut tcp).await.starts_with("HTTP/1.1 101 "));
    read_frame(&mut tcp).await;
    tcp
}

/// What a frame of changes brings.
fn seqs(json: &[u8]) -> Vec<i64> {
    match serde_json::from_slice(json).unwrap() {
        ServerFrame::Changes { messages, .. } => messages.iter().map(|message| message.seq.get()).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_to_come_back_and_holds_up_nobody() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let mut slow = narrow(&server, room).await;
    let mut quick = server.socket(room, "bob", 0).await;
    quick.changes().await;
    // More than the kernel takes by far.
    for _ in 0..600 {
        alice.say_as(room, &key(), &long_text()).await;
        quick.texts(1).await;
    }
    // The cut comes while the peer does not read; what the kernel took is still there, in whole frames but
    // perhaps for the last.
    let mut rest = Vec::new();
    let _ = within("the end", slow.read_to_end(&mut rest)).await;
    let mut frames = 0;
    let mut left = &rest[..];
    while let [0x81, 126, high, low, ..] = left {
        let end = 4 + usize::from(u16::from_be_bytes([*high, *low]));
        let Some(frame) = left.get(4..end) else { break };
        (frames, left) = (frames + 1, &left[end..]);
        assert_eq!(seqs(frame), [frames], "in order");
    }
    assert!(frames > 0 && frames < 600, "{frames}");
}

/// Whether somebody who begins to read after so long was told why it ends; not when it was cut off before that.
async fn reads_on_after(pause: Duration) -> bool {
    let server = Server::start_with(&["--max-backlog", "20000"]);
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let mut slow = narrow(&server, room).await;
    let reading = tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        let mut last = 0;
        loop {
            let (first, payload) = try_read_frame(&mut slow).await?;
            if first == 0x88 {
                return Ok::<_, std::io::Error>((last, u16::from_be_bytes([payload[0], payload[1]])));
            }
            for seq in seqs(&payload) {
                assert_eq!(seq, last + 1, "in order");
                last = seq;
            }
        }
    });
    for _ in 0..300 {
        alice.say_as(room, &key(), &long_text()).await;
    }
    let Ok((last, code)) = reading.await.unwrap() else { return false };
    assert_eq!(code, CloseCode::SlowReader.number());
    assert!(last < 300, "{last}");
    true
}

#[tokio::test]
async fn a_slow_reader_that_reads_on_sees_why() {
    // Longer than any other peer gets. A machine that stands still may make it longer than a slow reader gets, too.
    for _ in 0..3 {
        if reads_on_after(Duration::from_secs(6)).await {
            return;
        }
    }
    panic!("cut off before it was told");
}

/// Kilobytes of memory that a process holds.
#[cfg(target_os = "linux")]
fn resident(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn stalled_readers_cost_no_memory() {
    let server = Server::start_with(&["--max-user-listeners", "1000"]);
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        stalled.push(narrow(&server, room).await);
    }
    alice.say_as(room, &key(), &long_text()).await;
    let before = resident(&server);
    for _ in 0..500 {
        alice.say_as(room, &key(), &long_text()).await;
    }
    // A hundred peers that were given 8 MB each.
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 16 << 10, "{grown} KB for readers that do not read");
}
