//! How it ends, and that everybody is told why.

use super::{Socket, frame, read_frame, request, send, within};
use crate::common::{LONG_DRAIN, SECRET, Server, token};
use crate::tls::SelfSigned;
use chat_protocol::{CloseCode, ServerFrame, UserId};
use chat_server::auth::{Secret, mint};
use futures_util::StreamExt;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as Number;
use tokio_tungstenite::tungstenite::{Bytes, Message};

#[tokio::test]
async fn a_token_that_runs_out_ends_the_connection() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let lifetime = Duration::from_secs(6); // long enough to be let in with
    let short = mint(&UserId::new("alice").unwrap(), &Secret::new(SECRET).unwrap(), lifetime).unwrap();
    let opened = Instant::now();
    let tcp = TcpStream::connect(server.address()).await.unwrap();
    let mut socket = Socket::open(tcp, request(room, 0, &short)).await;
    socket.is_closed_for(CloseCode::TokenExpired).await;
    let lived = opened.elapsed();
    assert!(lived > Duration::from_secs(5), "{lived:?}");
    let mut again = server.socket(room, "alice", 0).await;
    again.changes().await;
    drop(again);
    let log = server.stop().stderr;
    let sockets: Vec<_> = log.lines().filter(|line| line.contains("{room}/socket")).collect();
    assert_eq!(sockets.len(), 2, "{log}");
    assert!(sockets[0].contains("101") && sockets[0].contains("token_expired"), "{log}");
    assert!(sockets[1].contains("101"), "{log}");
}

#[tokio::test]
async fn who_is_taken_out_of_the_room_hears_no_more() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let mut bob = server.socket(room, "bob", 0).await;
    bob.changes().await;
    alice.delete(&format!("/v1/rooms/{room}/members/bob")).await;
    alice.say(room, "he has gone").await;
    let frame = match bob.next().await.unwrap() {
        Message::Close(frame) => frame.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(u16::from(frame.code), CloseCode::NotAMember.number());
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye_and_waits_for_nobody() {
    let server = Server::start_with(&LONG_DRAIN);
    let room = server.user("alice").make_room(&[]).await;
    let mut polite = server.socket(room, "alice", 0).await;
    let mut deaf = server.raw_socket(room, "alice").await; // never answers the close frame
    polite.changes().await;
    server.signal("-TERM");
    polite.is_closed_for(CloseCode::GoingAway).await;
    let mut rest = Vec::new();
    within("the end", deaf.read_to_end(&mut rest)).await.unwrap();
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("cut off"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_peer_that_says_goodbye_is_answered_the_same() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    for given in [
        None,
        Some(CloseFrame { code: Number::Normal, reason: "bye".into() }),
        Some(CloseFrame { code: Number::Library(4_000), reason: "".into() }),
    ] {
        let mut socket = server.socket(room, "alice", 0).await;
        socket.changes().await;
        socket.0.close(given.clone()).await.unwrap();
        let answer = within("the answer", socket.0.next()).await.unwrap().unwrap();
        assert_eq!(answer, Message::Close(given));
        assert!(within("the end", socket.0.next()).await.is_none());
    }
}

#[tokio::test]
async fn nothing_follows_a_close_frame() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut tcp = server.raw_socket(room, "alice").await;
    // Answers that are still to come when it closes, and a pong.
    let mut bytes: Vec<u8> =
        (0..10).flat_map(|n| frame(0x81, send(&format!("{n}"), "hi").as_bytes())).collect();
    bytes.extend(frame(0x82, b"binary"));
    bytes.extend(frame(0x89, b"ping"));
    tcp.write_all(&bytes).await.unwrap();
    while read_frame(&mut tcp).await.0 != 0x88 {}
    alice.say(room, "too late").await;
    // The peer ends its side, and so does the server, with not a byte more.
    tcp.write_all(&frame(0x88, &1008_u16.to_be_bytes())).await.unwrap();
    let mut rest = Vec::new();
    within("the end", tcp.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_peer_that_never_answers_the_close_frame_is_cut_off() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let mut tcp = server.raw_socket(room, "alice").await;
    read_frame(&mut tcp).await;
    tcp.write_all(&frame(0x82, b"binary")).await.unwrap();
    assert_eq!(read_frame(&mut tcp).await.0, 0x88);
    assert_eq!(within("the end", tcp.read(&mut [0])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_silent_connection_is_kept_alive_and_one_without_a_peer_is_not() {
    let server = Server::start_with(&["--heartbeat", "1"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut dead = server.raw_socket(room, "alice").await; // takes everything, answers no ping
    let opened = Instant::now();
    let mut socket = server.socket(room, "alice", 0).await;
    socket.changes().await;
    let ping = within("a ping", socket.0.next()).await.unwrap().unwrap();
    assert_eq!(ping, Message::Ping(Bytes::new()));
    // A lively room does not hide that nobody is there.
    let reading = tokio::spawn(async move {
        let mut pings = 0;
        while opened.elapsed() < Duration::from_secs(15) || pings < 5 {
            pings +=
                usize::from(matches!(within("a frame", socket.0.next()).await, Some(Ok(Message::Ping(_)))));
        }
        pings
    });
    let talking = tokio::spawn(async move {
        for n in 0.. {
            alice.say(room, &format!("{n}")).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    let mut all = Vec::new();
    let _ = within("the end", dead.read_to_end(&mut all)).await;
    let lived = opened.elapsed();
    assert!(lived > Duration::from_secs(11), "{lived:?}");
    assert!(reading.await.unwrap() >= 5, "the one that answers is still there");
    talking.abort();
}

#[tokio::test]
async fn over_tls_it_is_the_same() {
    let signed = SelfSigned::new();
    let server = signed.serve(&[]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(signed.certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let connect = async || {
        let tcp = TcpStream::connect(server.address()).await.unwrap();
        connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap()
    };
    // The room is made over TLS too, by hand: the usual client does not trust this certificate.
    let mut tls = connect().await;
    let body = r#"{"title":"t","members":[]}"#;
    let request_head = format!(
        "POST /v1/rooms HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        token("alice"),
        body.len()
    );
    tls.write_all(request_head.as_bytes()).await.unwrap();
    let mut made = String::new();
    tls.read_to_string(&mut made).await.unwrap();
    assert!(made.starts_with("HTTP/1.1 201 "), "{made}");

    let room = "1".parse().unwrap();
    let mut socket = Socket::open(connect().await, request(room, 0, &token("alice"))).await;
    let mut other = Socket::open(connect().await, request(room, 0, &token("alice"))).await;
    assert_eq!((socket.changes().await.1, other.changes().await.1), (0, 0));
    for n in 0..20 {
        socket.say(&format!("{n}"), &"x".repeat(n * 200 + 1)).await;
        assert!(matches!(socket.answers(1).await[..], [ServerFrame::Sent { .. }]));
    }
    assert_eq!(other.texts(20).await.iter().map(String::len).sum::<usize>(), 190 * 200 + 20);
    server.signal("-TERM");
    other.is_closed_for(CloseCode::GoingAway).await;
    assert_eq!(server.ended().status.code(), Some(0));
}
