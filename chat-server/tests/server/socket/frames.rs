//! What comes down, and what may come up in which shape.

use super::{Socket, frame, read_frame, send};
use crate::common::{Api, Server, key};
use chat_protocol::{CloseCode, RoomId, ServerFrame};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;

async fn room_of(server: &Server) -> (Api, RoomId) {
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    (alice, room)
}

#[tokio::test]
async fn the_first_frame_is_what_was_missed_and_then_comes_what_happens() {
    let server = Server::start();
    let (alice, room) = room_of(&server).await;
    let mut socket = server.socket(room, "bob", 0).await;
    assert_eq!(socket.changes().await, (Vec::new(), 0), "nothing is an answer too");

    let one = alice.say(room, "one").await;
    assert_eq!(socket.changes().await.1, 1);
    alice.edit(room, one.id.get(), "first").await;
    let (messages, cursor) = socket.changes().await;
    assert_eq!((messages[0].text.as_str(), cursor), ("first", 2));
    assert_eq!(messages[0].transaction_id, None, "the sender's alone");
    alice.erase(room, one.id.get()).await;
    assert!(socket.changes().await.0[0].deleted);

    alice.say(room, "two").await;
    alice.say(room, "three").await;
    let mut late = server.socket(room, "bob", 3).await;
    let (messages, cursor) = late.changes().await;
    assert_eq!((messages.len(), cursor), (2, 5));
}

#[tokio::test]
async fn who_was_away_for_long_gets_everything_page_by_page_while_others_talk() {
    let server = Server::start();
    let (alice, room) = room_of(&server).await;
    for _ in 0..16 {
        say_at_once(&alice, room, 50).await;
    }
    let mut away = server.socket(room, "bob", 0).await;
    say_at_once(&alice, room, 50).await;
    let mut heard = Vec::new();
    while heard.len() < 850 {
        let (messages, cursor) = away.changes().await;
        heard.extend(messages.into_iter().map(|message| message.seq.get()));
        assert_eq!(heard.last(), Some(&cursor));
    }
    assert_eq!(heard, (1..=850).collect::<Vec<_>>());
}

async fn say_at_once(user: &Api, room: RoomId, count: usize) {
    let mut several = JoinSet::new();
    for _ in 0..count {
        let user = user.clone();
        several.spawn(async move { user.say(room, "as everybody does").await });
    }
    several.join_all().await;
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_holds() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut tcp = server.raw_socket(room, "bob").await;
    read_frame(&mut tcp).await;
    tcp.write_all(&frame(PING, b"are you there")).await.unwrap();
    assert_eq!(read_frame(&mut tcp).await, (0x8A, b"are you there".to_vec()));
}

/// The next answer; `ServerFrame::Changes` and pongs are passed over.
async fn answer(tcp: &mut TcpStream) -> ServerFrame {
    loop {
        let (first, payload) = read_frame(tcp).await;
        match serde_json::from_slice(&payload) {
            Ok(ServerFrame::Changes { .. }) => {}
            Ok(answer) => return answer,
            Err(_) => assert_eq!(first, 0x8A),
        }
    }
}

#[tokio::test]
async fn a_message_in_pieces_with_pings_between_them_is_one_message() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut tcp = server.raw_socket(room, "bob").await;
    let whole = send("pieces", "쪽지 in pieces");
    let (start, rest) = whole.as_bytes().split_at(whole.find('쪽').unwrap() + 1); // within a character
    let (middle, end) = rest.split_at(7);
    let mut bytes = frame(0x01, start);
    bytes.extend(frame(PING, b"1"));
    bytes.extend(frame(0x00, middle));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(PING, b"2"));
    bytes.extend(frame(0x80, end));
    tcp.write_all(&bytes).await.unwrap();
    match answer(&mut tcp).await {
        ServerFrame::Sent { message, .. } => assert_eq!(message.text, "쪽지 in pieces"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_that_comes_byte_by_byte_is_a_message() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut tcp = server.raw_socket(room, "bob").await;
    tcp.set_nodelay(true).unwrap();
    for byte in frame(TEXT, send("slowly", "slowly").as_bytes()) {
        tcp.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(matches!(answer(&mut tcp).await, ServerFrame::Sent { .. }));
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_not_lost() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut tcp = TcpStream::connect(server.address()).await.unwrap();
    let mut bytes = format!(
        "GET /v1/rooms/{room}/socket?after=0 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {}\r\nsec-websocket-protocol: chat.v1, bearer.{}\r\n\r\n",
        super::KEY,
        crate::common::token("bob")
    )
    .into_bytes();
    bytes.extend(frame(TEXT, send("eager", "eager").as_bytes()));
    tcp.write_all(&bytes).await.unwrap();
    super::read_head(&mut tcp).await;
    assert!(matches!(answer(&mut tcp).await, ServerFrame::Sent { .. }));
}

#[tokio::test]
async fn frames_that_the_protocol_does_not_have_end_the_connection() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    for wrong in [
        Message::binary(send("k", "binary")),
        Message::text("not JSON"),
        Message::text("{}"),
        Message::text(r#"{"type":"shout","text":"hi"}"#),
        Message::text(r#"{"type":"send","text":"no key"}"#),
        Message::text(r#"{"type":"send","transaction_id":"","text":"an empty key"}"#),
        Message::text(r#"{"type":"send","transaction_id":"k","text":"hi","loudly":true}"#),
        Message::text(""),
    ] {
        let mut socket = server.socket(room, "bob", 0).await;
        socket.write(wrong).await;
        socket.is_closed_for(CloseCode::BadFrame).await;
    }
    assert_eq!(server.user("bob").ask(room, "?after=0").await.status, 204, "nothing of it was stored");
}

#[tokio::test]
async fn bytes_that_are_no_websocket_end_the_connection_with_their_number() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut unmasked = frame(TEXT, b"");
    unmasked[1] = 0;
    for (wrong, number) in [
        (frame(TEXT, b"\xff\xfe"), 1007),
        (unmasked, 1002),
        (frame(0x83, b""), 1002),          // an opcode without a meaning
        (frame(0xC1, b""), 1002),          // a bit of an extension that was not agreed on
        (frame(0x80, b""), 1002),          // the rest of nothing
        (frame(0x09, b""), 1002),          // a ping in pieces
        (frame(PING, &[b'x'; 126]), 1002), // a long ping
        (frame(TEXT, &[b' '; (64 << 10) + 1]), 1009),
        ([frame(0x01, &[b' '; 40 << 10]), frame(0x80, &[b' '; 40 << 10])].concat(), 1009),
    ] {
        let mut tcp = server.raw_socket(room, "bob").await;
        let _ = tcp.write_all(&wrong).await;
        read_frame(&mut tcp).await;
        let (first, reason) = read_frame(&mut tcp).await;
        assert_eq!((first, u16::from_be_bytes([reason[0], reason[1]])), (0x88, number), "{:?}", &wrong[..2]);
        assert!(reason.len() > 2, "in words too");
    }
}

#[tokio::test]
async fn a_message_as_large_as_may_be_is_taken() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut socket = server.socket(room, "bob", 0).await;
    let mut padded = send("large", &"x".repeat(4_000));
    padded.push_str(&" ".repeat((64 << 10) - padded.len()));
    socket.write(padded).await;
    assert!(matches!(socket.answers(1).await[..], [ServerFrame::Sent { .. }]));
}

#[tokio::test]
async fn a_message_in_more_pieces_than_anybody_needs_is_read_as_slowly_as_so_many_messages() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut tcp = server.raw_socket(room, "bob").await;
    let began = Instant::now();
    tcp.write_all(&frame(0x01, b"")).await.unwrap();
    tcp.write_all(&frame(0x00, b"").repeat(400)).await.unwrap();
    tcp.write_all(&frame(0x80, send("pieces", "whole").as_bytes())).await.unwrap();
    assert!(matches!(answer(&mut tcp).await, ServerFrame::Sent { .. }));
    // A hundred at once, and 85 that are read with them; the others at 50 a second.
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_sends_more_than_anybody_types_is_read_more_slowly_and_stays() {
    let server = Server::start();
    let (_, room) = room_of(&server).await;
    let mut socket: Socket = server.socket(room, "bob", 0).await;
    let began = Instant::now();
    for _ in 0..150 {
        socket.write(Message::Ping("".into())).await;
    }
    socket.say(&key(), "still here").await;
    assert!(matches!(socket.answers(1).await[..], [ServerFrame::Sent { .. }]));
    // A hundred at once, the others at 50 a second.
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}
