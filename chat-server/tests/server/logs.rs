//! What the log says, and what it never says.

use crate::common::{Api, SECRET, Server, client, key, send};
use crate::socket::handshake::{HEADERS, shake};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_protocol::ErrorCode;
use reqwest::Method;

#[tokio::test]
async fn no_text_token_key_or_query_reaches_the_log_at_any_level() {
    let server = Server::start_with(&["--log", "trace"]);
    let alice = server.user("alice");
    let http2 = Api { http: client(|builder| builder.http2_prior_knowledge()), ..alice.clone() };
    let token = alice.token.clone().unwrap();
    for api in [&alice, &http2] {
        let room = api.make_room(&["hidden-bob"]).await;
        api.say_as(room, &format!("hidden-{}", key()), "hidden-text").await;
        assert_eq!(api.edit(room, 1, "hidden-edit").await.status, 200);
        assert_eq!(api.mark(room, 1).await.status, 200);
        assert_eq!(api.erase(room, 1).await.status, 200);
        api.edit(room, 1, "hidden-too-late").await.is(ErrorCode::MessageDeleted);
        api.ask(room, "?after=0&token=hidden-query").await;
        api.get("/hidden-path?hidden-query").await;
        api.put(&format!("/v1/rooms/{room}/members/hidden-carol")).await;
        let broken = api.request(Method::POST, "/v1/rooms").header("content-type", "application/json");
        send(broken.body(r#"{"title":"hidden-title","hidden-field":"#)).await;
        let refused = Api { token: Some("hidden-token".into()), ..api.clone() };
        refused.get("/v1/rooms").await;
    }
    let log = server.stop().stderr;
    assert!(log.lines().count() >= 22, "{log}");
    assert!(!log.contains("hidden"), "{log}");
    assert!(!log.contains(&token) && !log.contains(token.rsplit_once('.').unwrap().1), "{log}");
}

/// What may be in no log, whatever is done with it.
const HIDDEN: &str = "hidden";

/// A token that somebody tried.
fn forged() -> String {
    let parts = [r#"{"alg":"EdDSA","kid":"hidden-key-id"}"#, r#"{"sub":"hidden-user"}"#, "hidden"];
    parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".")
}

#[tokio::test]
async fn nothing_of_a_stream_a_handshake_or_a_refusal_reaches_the_log_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    let key = BASE64_URL_SAFE_NO_PAD.encode([9; 32]);
    std::fs::write(
        &jwks,
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"hidden-id","x":"{key}"}}]}}"#),
    )
    .unwrap();
    let secret = "hidden-secret-of-more-than-thirty-two-bytes";
    let options = ["--log", "trace", "--jwt-secret-previous", secret, "--jwks", jwks.to_str().unwrap()];
    let limits =
        ["--trust-proxy", "127.0.0.1", "--refused-rate", "1", "--allow-origin", "https://chat.example"];
    let server = Server::start_with(&[&options[..], &limits].concat());
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let good = alice.token.clone().unwrap();
    for (name, value) in [
        ("authorization", format!("Bearer {}", forged())),
        ("authorization", "Basic aGlkZGVuOmhpZGRlbg==".to_owned()),
        ("authorization", "Bearer hidden".to_owned()),
        ("cookie", "session=hidden".to_owned()),
        ("origin", "https://hidden.example".to_owned()),
        ("x-forwarded-for", "hidden".to_owned()),
        ("referer", "https://hidden.example/".to_owned()),
    ] {
        for _ in 0..3 {
            let request = server.with_token(None).request(Method::GET, "/v1/rooms?hidden=1");
            send(request.header(name, &value).header("user-agent", HIDDEN)).await;
        }
    }
    for protocols in
        [format!("chat.v1, bearer.{good}"), format!("chat.v1, bearer.{}", forged()), "hidden".into()]
    {
        let mut headers = HEADERS.to_vec();
        headers.retain(|(name, _)| *name != "sec-websocket-protocol");
        headers.push(("sec-websocket-protocol", &protocols));
        shake(&server, &format!("/v1/rooms/{room}/socket?after=0&hidden=1"), &headers).await;
    }
    let mut socket = server.socket(room, "bob", 0).await;
    socket.say("hidden-key", "hidden-text").await;
    socket.say("hidden-key", "hidden-other-text").await;
    socket.answers(2).await;
    socket.write(r#"{"type":"hidden"}"#).await;
    let mut events =
        alice.request(Method::GET, &format!("/v1/rooms/{room}/events?after=0")).send().await.unwrap();
    while !String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap()).contains("hidden-text") {}
    drop(events);
    server.signal("-HUP");
    server.has_logged("reading anew").await;
    let log = server.stop().stderr;
    assert!(log.contains("not taken"), "the log is at its fullest: {log}");
    assert!(!log.to_lowercase().contains(HIDDEN), "{log}");
    for secret in [&good, good.rsplit_once('.').unwrap().1, SECRET, &key, &forged()] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_method_that_somebody_made_up_is_not_repeated() {
    let server = Server::start();
    let hidden = Method::from_bytes(b"HIDDEN-TEXT-OF-MINE").unwrap();
    let answer = send(server.user("alice").request(hidden, "/v1/rooms")).await;
    answer.is(ErrorCode::MethodNotAllowed);
    let log = server.stop().stderr;
    assert!(log.contains("method=_OTHER path=\"/v1/rooms\" status=405"), "{log}");
    assert!(!log.contains("HIDDEN"), "{log}");
}

#[tokio::test]
async fn each_request_is_a_line_with_method_route_and_status() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    for _ in 0..3 {
        alice.ask(room, "?after=0").await;
    }
    alice.edit(room, 7, "hi").await;
    alice.get("/nowhere").await;
    let log = server.stop().stderr;
    let lines = |parts: [&str; 3]| {
        log.lines()
            .filter(|line| parts.iter().all(|part| line.contains(part)) && line.contains("latency_us="))
            .count()
    };
    assert_eq!(lines(["method=GET", "path=\"/v1/rooms/{room}/messages\"", "status=204"]), 3, "{log}");
    assert_eq!(lines(["method=POST", "path=\"/v1/rooms\"", "status=201"]), 1, "{log}");
    let message = "path=\"/v1/rooms/{room}/messages/{id}\"";
    assert_eq!(lines(["method=PATCH", message, "status=404"]), 1, "{log}");
    assert_eq!(lines(["method=GET", "path=\"(unmatched)\"", "status=404"]), 1, "{log}");
}

#[tokio::test]
async fn the_json_log_is_an_object_per_line() {
    let server = Server::start_with(&["--log-format", "json"]);
    server.with_token(None).get("/healthz").await;
    let log = server.stop().stderr;
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let request = lines.iter().find(|line| line["message"] == "request").unwrap();
    assert_eq!((&request["method"], &request["path"]), (&"GET".into(), &"/healthz".into()));
    assert_eq!(request["status"], 200);
}
