//! What answers say to browsers.

use crate::common::{Answer, Server, key, send};
use crate::tls::SelfSigned;
use chat_protocol::ErrorCode;
use reqwest::Method;

const PAGE: &str = "https://chat.example";

/// That no browser runs it, frames it, guesses what it is, or gives it to another page.
#[track_caller]
fn is_kept_to_itself(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {name}");
    }
}

#[tokio::test]
async fn every_answer_with_a_body_tells_a_browser_to_make_nothing_of_it() {
    let server = Server::start_with(&["--user-rate", "1"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    is_kept_to_itself(&alice.say_as(room, &key(), "<script>alert(1)</script>").await, "201");
    is_kept_to_itself(&alice.get(&path).await, "200");
    is_kept_to_itself(&alice.get("/nowhere/<script>").await, "404");
    is_kept_to_itself(&send(alice.request(Method::DELETE, "/v1/rooms")).await, "405");
    is_kept_to_itself(&server.with_token(None).get(&path).await, "401");
    is_kept_to_itself(&server.with_token(None).get("/healthz").await, "health");
    let events =
        alice.request(Method::GET, &format!("/v1/rooms/{room}/events?after=0")).send().await.unwrap();
    let (status, headers) = (events.status(), events.headers().clone());
    is_kept_to_itself(&Answer { status, headers, body: vec![] }, "stream");
    let limited = loop {
        let answer = alice.get(&path).await;
        if answer.status == 429 {
            break answer;
        }
    };
    is_kept_to_itself(&limited, "429");
    assert_eq!(limited.header("strict-transport-security"), "", "TLS is not ours");
}

#[tokio::test]
async fn over_tls_of_ours_a_browser_is_told_to_keep_to_it() {
    let server = SelfSigned::new().serve(&[]);
    let http = crate::common::client(|builder| builder.tls_danger_accept_invalid_certs(true));
    let answer = http.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
}

/// What a browser asks before a page may send this.
async fn preflight(server: &Server, origin: &str, path: &str, method: &str) -> Answer {
    let request = server.with_token(None).request(Method::OPTIONS, path);
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization, content-type, idempotency-key");
    send(request).await
}

#[tokio::test]
async fn a_page_that_is_let_in_may_call_every_route_with_its_token_and_read_the_answer() {
    let server = Server::start_with(&["--allow-origin", PAGE]);
    for (path, method) in
        [("/v1/rooms", "POST"), ("/v1/rooms/1/messages/1", "PATCH"), ("/v1/rooms/1/read", "PUT")]
    {
        let answer = preflight(&server, PAGE, path, method).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        assert!(answer.header("access-control-allow-methods").contains(method));
        for header in ["authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id"] {
            assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
        }
        assert_eq!(answer.header("access-control-max-age"), "7200");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "there are no cookies");
    }
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    for path in ["/v1/rooms".to_owned(), format!("/v1/rooms/{room}/messages"), "/nowhere".to_owned()] {
        let answer = send(alice.request(Method::GET, &path).header("origin", PAGE)).await;
        assert_eq!(answer.header("access-control-allow-origin"), PAGE, "{path}");
        assert!(answer.header("vary").to_lowercase().contains("origin"), "{path}");
        for header in ["etag", "retry-after", "chat-jitter", "chat-poll-interval"] {
            assert!(answer.header("access-control-expose-headers").contains(header), "{header}");
        }
    }
    let refused =
        send(server.with_token(None).request(Method::GET, "/v1/rooms").header("origin", PAGE)).await;
    refused.is(ErrorCode::TokenMissing);
    assert_eq!(refused.header("access-control-allow-origin"), PAGE, "an error is read, too");
}

#[tokio::test]
async fn another_page_is_told_nothing_and_without_a_list_nobody_is() {
    let (listed, none) = (Server::start_with(&["--allow-origin", PAGE]), Server::start());
    for (server, origin) in [
        (&listed, "https://evil.example"),
        (&listed, "https://chat.example.evil.example"),
        (&listed, "null"),
        (&none, PAGE),
    ] {
        let answer = preflight(server, origin, "/v1/rooms", "POST").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        let answer =
            send(server.user("alice").request(Method::GET, "/v1/rooms").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}
