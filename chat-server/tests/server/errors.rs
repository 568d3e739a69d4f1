//! Every error is a problem with a code, whatever was asked.

use crate::common::{DEADLINE, Server, send, token};
use chat_protocol::ErrorCode;
use reqwest::Method;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test]
async fn the_server_is_well_when_its_database_answers() {
    let server = Server::start();
    let answer = server.with_token(None).get("/healthz").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json::<serde_json::Value>()),
        (200, json!({ "status": "ok" }))
    );
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let server = Server::start();
    let alice = server.user("alice");
    for path in ["/v1", "/v1/rooms/", "/v1/rooms/1", "/v2/rooms", "/v1/rooms/1/messages/1/x"] {
        alice.get(path).await.is(ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_told_which_it_has() {
    let server = Server::start();
    let alice = server.user("alice");
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/rooms", "GET,HEAD,POST"),
        (Method::PATCH, "/v1/rooms/1/messages", "GET,HEAD,POST"),
        (Method::GET, "/v1/rooms/1/members/bob", "PUT,DELETE"),
        (Method::GET, "/v1/rooms/1/messages/1", "PATCH,DELETE"),
        (Method::GET, "/v1/rooms/1/read", "PUT"),
        (Method::POST, "/healthz", "GET,HEAD"),
    ] {
        let answer = send(alice.request(method, path)).await;
        answer.is(ErrorCode::MethodNotAllowed);
        assert_eq!(answer.header("allow"), allowed, "{path}");
    }
}

#[tokio::test]
async fn a_path_that_names_no_room_message_or_user_is_a_bad_request() {
    let server = Server::start();
    let alice = server.user("alice");
    for path in
        ["/v1/rooms/x/messages", "/v1/rooms/0/messages", "/v1/rooms/-1/messages", "/v1/rooms/%FF/messages"]
    {
        alice.get(path).await.is(ErrorCode::BadRequest);
    }
    let long = format!("/v1/rooms/1/members/{}", "u".repeat(129));
    for path in ["/v1/rooms/1/members/a%20b", "/v1/rooms/1/members/a%2Fb", "/v1/rooms/+1/members/bob", &long]
    {
        alice.put(path).await.is(ErrorCode::BadRequest);
    }
    for path in ["/v1/rooms/x/messages/1", "/v1/rooms/1/messages/x", "/v1/rooms/1/messages/0"] {
        alice.delete(path).await.is(ErrorCode::BadRequest);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_without_being_quoted() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let post = |content_type: &str, body: &str| {
        alice
            .request(Method::POST, &format!("/v1/rooms/{room}/messages"))
            .header("Idempotency-Key", "k")
            .header("Content-Type", content_type)
            .body(body.to_owned())
    };
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        send(post(content_type, r#"{"text":"hi"}"#)).await.is(ErrorCode::UnsupportedMediaType);
    }
    for body in ["", "{", r#"{"text":"hi"} x"#, r#"{"text":"\ud800"}"#, "text=hi"] {
        send(post("application/json", body)).await.is(ErrorCode::BadRequest);
    }
    for body in
        [r#"{"txt":"secret"}"#, r#"{"text":17}"#, "{}", r#""secret""#, r#"{"text":"hi","to":"secret"}"#]
    {
        let problem = send(post("application/json", body)).await.is(ErrorCode::Invalid);
        assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
    }
    assert_eq!(send(post("Application/JSON; charset=utf-8", r#"{"text":"hi"}"#)).await.status, 201);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_told_so_rather_than_cut_off() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let padded = |size: usize| {
        let body = r#"{"text":"hi"}"#;
        format!("{body}{}", " ".repeat(size - body.len()))
    };
    let post = |size: usize| {
        alice
            .request(Method::POST, &format!("/v1/rooms/{room}/messages"))
            .header("Idempotency-Key", "k")
            .header("Content-Type", "application/json")
            .body(padded(size))
    };
    assert_eq!(send(post(64 << 10)).await.status, 201);
    for size in [(64 << 10) + 1, 3 << 20] {
        send(post(size)).await.is(ErrorCode::BodyTooLarge);
    }
}

#[tokio::test]
async fn a_client_that_writes_its_whole_body_first_still_hears_that_it_is_too_large() {
    const SIZE: usize = 3 << 20;
    let server = Server::start();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    write!(
        socket,
        "POST /v1/rooms HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {SIZE}\r\n\r\n",
        token("alice")
    )
    .unwrap();
    socket.write_all(&vec![b' '; SIZE / 2]).unwrap();
    // An answer now, and with it the end of the connection, would reset what is still being written.
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(socket.peek(&mut [0]).is_err(), "answered before the body was in");
    socket.write_all(&vec![b' '; SIZE / 2]).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}
