//! What the log says, and what it never says.

use crate::common::{Api, Server, client, key, send};
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
