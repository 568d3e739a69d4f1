//! Who may come in.

use crate::common::{Answer, SECRET, Server, header, send, token};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_protocol::ErrorCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

fn sign(algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

async fn ask_with(server: &Server, authorization: &[&str]) -> Answer {
    let mut request = server.with_token(None).request(Method::GET, "/v1/rooms");
    for value in authorization {
        request = request.header("authorization", header(value));
    }
    send(request).await
}

#[tokio::test]
async fn every_route_but_health_asks_for_a_token() {
    let server = Server::start();
    let nobody = server.with_token(None);
    for (method, path) in [
        (Method::GET, "/v1/rooms"),
        (Method::POST, "/v1/rooms"),
        (Method::PUT, "/v1/rooms/1/members/bob"),
        (Method::DELETE, "/v1/rooms/x/members/bob"),
        (Method::GET, "/v1/rooms/1/messages?limit=0"),
        (Method::POST, "/v1/rooms/1/messages"),
        (Method::PATCH, "/v1/rooms/1/messages/1"),
        (Method::DELETE, "/v1/rooms/1/messages/x"),
        (Method::PUT, "/v1/rooms/1/read"),
    ] {
        let answer = send(nobody.request(method, path)).await;
        answer.is(ErrorCode::TokenMissing);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    for other_scheme in ["Basic YTpi", "Bearer", "", &token("alice")] {
        ask_with(&server, &[other_scheme]).await.is(ErrorCode::TokenMissing);
    }
    assert_eq!(ask_with(&server, &[&format!("bearer {}", token("alice"))]).await.status, 200);
}

#[tokio::test]
async fn an_expired_token_is_told_from_a_refused_one() {
    let server = Server::start();
    let claims = json!({ "sub": "alice", "exp": now() - 10 });
    let expired = ask_with(&server, &[&format!("Bearer {}", sign(Algorithm::HS256, &claims, SECRET))]).await;
    expired.is(ErrorCode::TokenExpired);
    let fraction = json!({ "sub": "alice", "exp": now() as f64 - 10.5 }); // RFC 7519 allows it
    let expired =
        ask_with(&server, &[&format!("Bearer {}", sign(Algorithm::HS256, &fraction, SECRET))]).await;
    expired.is(ErrorCode::TokenExpired);
    assert!(expired.header("www-authenticate").starts_with("Bearer"));
    // Expired and not ours is not ours.
    let foreign = ask_with(&server, &[&format!("Bearer {}", sign(Algorithm::HS256, &claims, "other"))]).await;
    foreign.is(ErrorCode::TokenRefused);
    assert!(foreign.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn a_token_that_is_not_ours_in_any_way_is_refused() {
    let server = Server::start();
    let good = json!({ "sub": "alice", "exp": now() + 600 });
    let good_token = sign(Algorithm::HS256, &good, SECRET);
    assert_eq!(ask_with(&server, &[&format!("Bearer {good_token}")]).await.status, 200);

    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let (head, signature) =
        (good_token.split_once('.').unwrap().0, good_token.rsplit_once('.').unwrap().1.to_owned());
    let none = part(&json!({ "alg": "none", "typ": "JWT" }));
    let refused = [
        ("another secret", sign(Algorithm::HS256, &good, "another secret altogether, just as long")),
        ("HS512 with our secret", sign(Algorithm::HS512, &good, SECRET)),
        ("alg none, unsigned", format!("{none}.{}.", part(&good))),
        ("alg none, signed", format!("{none}.{}.{signature}", part(&good))),
        (
            "another's claims",
            format!("{head}.{}.{signature}", part(&json!({"sub": "eve", "exp": now() + 600}))),
        ),
        ("no exp", sign(Algorithm::HS256, &json!({ "sub": "alice" }), SECRET)),
        ("no sub", sign(Algorithm::HS256, &json!({ "exp": now() + 600 }), SECRET)),
        ("no user", sign(Algorithm::HS256, &json!({ "sub": "a b", "exp": now() + 600 }), SECRET)),
        ("empty sub", sign(Algorithm::HS256, &json!({ "sub": "", "exp": now() + 600 }), SECRET)),
        (
            "not yet",
            sign(Algorithm::HS256, &json!({"sub": "alice", "exp": now() + 600, "nbf": now() + 60}), SECRET),
        ),
        ("words", "not.a.token".to_owned()),
        ("one word", "unstructured".to_owned()),
    ];
    for (why, token) in refused {
        let problem = ask_with(&server, &[&format!("Bearer {token}")]).await;
        assert_eq!(problem.status, 401, "{why}");
        assert!(!String::from_utf8_lossy(&problem.body).contains(&token), "{why}");
        problem.is(ErrorCode::TokenRefused);
    }
    let twice = format!("Bearer {good_token}");
    ask_with(&server, &[&twice, &twice]).await.is(ErrorCode::TokenRefused);
}
