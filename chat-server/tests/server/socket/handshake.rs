//! Before the upgrade.

use super::{KEY, read_head, within};
use crate::common::{Answer, SECRET, Server, client, token};
use chat_protocol::{ErrorCode, UserId};
use chat_server::auth::{Secret, mint};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Version};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a good handshake sends beside its request line.
pub(crate) const HEADERS: [(&str, &str); 6] = [
    ("host", "x"),
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", KEY),
    ("sec-websocket-protocol", "other, chat.v1"),
];

/// Whether the server upgrades, or how it answers.
pub(crate) async fn shake(server: &Server, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut tcp = TcpStream::connect(server.address()).await.unwrap();
    let mut request = format!("GET {target} HTTP/1.1\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    tcp.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    let head = read_head(&mut tcp).await;
    let (status, rest) = head.split_once("\r\n").unwrap();
    let status = status.split(' ').nth(1).unwrap().parse::<StatusCode>().unwrap();
    let mut headers = HeaderMap::new();
    for line in rest.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(name.parse::<reqwest::header::HeaderName>().unwrap(), value.trim().parse().unwrap());
    }
    let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    within("a body", tcp.read_exact(&mut body)).await.unwrap();
    Answer { status, headers, body }
}

/// The good ones, but for those named here: another value, or none.
fn but(changed: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let kept = HEADERS.into_iter().filter(|(name, _)| changed.iter().all(|(other, _)| name != other));
    kept.chain(changed.iter().copied().filter(|(_, value)| !value.is_empty())).collect()
}

fn with_token<'a>(headers: &[(&'a str, &'a str)], authorization: &'a str) -> Vec<(&'a str, &'a str)> {
    [headers, &[("authorization", authorization)]].concat()
}

#[tokio::test]
async fn a_handshake_is_answered_to_the_letter() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let authorization = format!("Bearer {}", token("alice"));
    let headers = with_token(&HEADERS, &authorization);
    let answer = shake(&server, &format!("/v1/rooms/{room}/socket?after=0"), &headers).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("connection"), "upgrade");
    assert_eq!(answer.header("upgrade"), "websocket");
    assert_eq!(answer.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455, 1.3
    assert_eq!(answer.header("sec-websocket-protocol"), "chat.v1");
    assert_eq!(answer.header("sec-websocket-extensions"), "");
}

#[tokio::test]
async fn what_is_no_handshake_is_told_to_upgrade() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let (target, authorization) =
        (format!("/v1/rooms/{room}/socket?after=0"), format!("Bearer {}", token("alice")));
    for wrong in [
        ("connection", ""),
        ("connection", "keep-alive"),
        ("upgrade", ""),
        ("upgrade", "h2c"),
        ("sec-websocket-version", ""),
        ("sec-websocket-version", "8"),
        ("sec-websocket-version", "13, 8"),
        ("sec-websocket-key", ""),
        ("sec-websocket-key", "c2hvcnQ="),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZSE!"),
    ] {
        let answer = shake(&server, &target, &with_token(&but(&[wrong]), &authorization)).await;
        answer.is(ErrorCode::UpgradeRequired);
        assert_eq!(
            (answer.header("upgrade"), answer.header("connection")),
            ("websocket", "upgrade"),
            "{wrong:?}"
        );
        assert_eq!(answer.header("sec-websocket-version"), "13", "{wrong:?}");
    }
    let http2 = client(|builder| builder.http2_prior_knowledge());
    let answer = http2.get(format!("{}{target}", server.url)).header("authorization", &authorization);
    let answer = answer.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (426, Version::HTTP_2));
}

#[tokio::test]
async fn the_subprotocol_must_be_offered() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let authorization = format!("Bearer {}", token("alice"));
    for other in ["", "chat.v2", "CHAT.V1", "chat.v1x"] {
        let headers = but(&[("sec-websocket-protocol", other)]);
        let target = format!("/v1/rooms/{room}/socket?after=0");
        shake(&server, &target, &with_token(&headers, &authorization)).await.is(ErrorCode::BadRequest);
    }
}

#[tokio::test]
async fn a_browser_brings_its_token_as_a_subprotocol_which_is_told_to_nobody() {
    let server = Server::start_with(&["--log", "trace", "--allow-origin", "https://chat.example"]);
    let room = server.user("alice").make_room(&[]).await;
    let (good, target) = (token("alice"), format!("/v1/rooms/{room}/socket?after=0"));
    let mut headers = but(&[("sec-websocket-protocol", ""), ("origin", "https://chat.example")]);
    let protocols = format!("chat.v1, bearer.{good}");
    headers.push(("sec-websocket-protocol", &protocols));
    let answer = shake(&server, &target, &headers).await;
    assert_eq!((answer.status.as_u16(), answer.header("sec-websocket-protocol")), (101, "chat.v1"));
    assert!(!format!("{answer:?}").contains(&good));

    // Two tokens are one too many, even if they are the same.
    let authorization = format!("Bearer {good}");
    shake(&server, &target, &with_token(&headers, &authorization)).await.is(ErrorCode::TokenRefused);
    headers.push(("sec-websocket-protocol", &protocols));
    shake(&server, &target, &headers).await.is(ErrorCode::TokenRefused);

    let log = server.stop().stderr;
    assert!(log.contains("/v1/rooms/{room}/socket") && !log.contains(&good), "{log}");
}

#[tokio::test]
async fn refusals_are_answers_in_http() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    alice.say(room, "one").await;
    let good = format!("Bearer {}", token("alice"));
    let bob = format!("Bearer {}", token("bob"));
    let secret = Secret::new(SECRET).unwrap();
    let late = mint(&UserId::new("alice").unwrap(), &secret, Duration::ZERO).unwrap();
    for (target, authorization, code) in [
        ("/v1/rooms/1/socket?after=0", "", ErrorCode::TokenMissing),
        ("/v1/rooms/x/socket", "Basic YTpi", ErrorCode::TokenMissing),
        ("/v1/rooms/1/socket?after=0", "Bearer nonsense", ErrorCode::TokenRefused),
        ("/v1/rooms/1/socket?after=0", &bob, ErrorCode::NotAMember),
        ("/v1/rooms/2/socket?after=0", &good, ErrorCode::RoomNotFound),
        ("/v1/rooms/1/socket?after=2", &good, ErrorCode::CursorAhead),
        ("/v1/rooms/1/socket", &good, ErrorCode::BadRequest),
        ("/v1/rooms/1/socket?after=-1", &good, ErrorCode::BadRequest),
        ("/v1/rooms/1/socket?after=0&after=1", &good, ErrorCode::BadRequest),
        ("/v1/rooms/x/socket?after=0", &good, ErrorCode::BadRequest),
    ] {
        let headers = match authorization {
            "" => HEADERS.to_vec(),
            authorization => with_token(&HEADERS, authorization),
        };
        let answer = shake(&server, target, &headers).await;
        assert_eq!(answer.status.as_u16(), code.status(), "{target} {authorization}");
        answer.is(code);
    }
    let expired = format!("Bearer {late}");
    within("the token's end", async {
        while shake(&server, "/v1/rooms/1/socket?after=0", &with_token(&HEADERS, &expired)).await.status
            != 401
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let answer = shake(&server, "/v1/rooms/1/socket?after=0", &with_token(&HEADERS, &expired)).await;
    answer.is(ErrorCode::TokenExpired);
    // The connection's first request may well have been another.
    assert_eq!(room.get(), 1);
}
