//! What a token says of itself: for whom, by whom, from when to when.

use super::{Issuer, Server, ask, ed};
use chat_protocol::ErrorCode;
use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

/// Good claims with some of them changed; null takes one away.
fn but(changed: &Value) -> Value {
    let mut claims = json!({
        "sub": "alice", "exp": get_current_timestamp() + 600, "iss": "https://issuer.example", "aud": "chat",
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let without = claims.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(without.map(|(name, value)| (name.clone(), value.clone())).collect())
}

async fn server(issuer: &Issuer, options: &[&str]) -> Server {
    Server::start_without_secret(&[&["--jwks", &issuer.url], options].concat())
}

#[tokio::test]
async fn a_token_is_by_an_issuer_named_and_for_an_audience_named() {
    let issuer = Issuer::new(&[ed()]).await;
    let server = server(
        &issuer,
        &["--jwt-issuer", "https://issuer.example", "--jwt-audience", "chat", "--jwt-audience", "chat-test"],
    )
    .await;
    for good in [json!({}), json!({ "aud": ["web", "chat"] }), json!({ "aud": "chat-test" })] {
        assert_eq!(ask(&server, &ed().sign(&but(&good))).await.status, 200, "{good}");
    }
    for bad in [
        json!({ "iss": null }),
        json!({ "iss": "https://issuer.example/" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": ["https://issuer.example"] }),
        json!({ "iss": "" }),
        json!({ "iss": 1 }),
        json!({ "aud": null }),
        json!({ "aud": "web" }),
        json!({ "aud": "Chat" }),
        json!({ "aud": ["web"] }),
        json!({ "aud": [] }),
        json!({ "aud": ["chat", 1] }),
        json!({ "aud": { "chat": true } }),
        json!({ "aud": 1 }),
    ] {
        ask(&server, &ed().sign(&but(&bad))).await.is(ErrorCode::TokenRefused);
    }
}

#[tokio::test]
async fn where_no_audience_is_named_a_token_for_somebody_is_for_somebody_else() {
    let issuer = Issuer::new(&[ed()]).await;
    let server = server(&issuer, &[]).await;
    assert_eq!(ask(&server, &ed().sign(&but(&json!({ "aud": null })))).await.status, 200, "any issuer");
    for aud in [json!("chat"), json!(["chat"]), json!([]), json!(1), json!({})] {
        ask(&server, &ed().sign(&but(&json!({ "aud": aud })))).await.is(ErrorCode::TokenRefused);
    }
}

#[tokio::test]
async fn times_are_heeded_however_they_are_written() {
    let (issuer, now) = (Issuer::new(&[ed()]).await, get_current_timestamp());
    let server = server(&issuer, &["--jwt-audience", "chat"]).await;
    for good in [
        json!({ "exp": now as f64 + 60.5 }),
        json!({ "exp": u64::MAX }),
        json!({ "exp": 1e15 }),
        json!({ "nbf": now }),
        json!({ "nbf": 0 }),
        json!({ "iat": now + 3_600 }), // says when, not from when
    ] {
        assert_eq!(ask(&server, &ed().sign(&but(&good))).await.status, 200, "{good}");
    }
    for expired in [json!({ "exp": now - 10 }), json!({ "exp": now as f64 - 10.5 }), json!({ "exp": 0 })] {
        ask(&server, &ed().sign(&but(&expired))).await.is(ErrorCode::TokenExpired);
    }
    for bad in [
        json!({ "exp": null }),
        json!({ "exp": "9999999999" }),
        json!({ "exp": -1 }),
        json!({ "exp": 1e300 }),
        json!({ "exp": [9_999_999_999_u64] }),
        json!({ "exp": true }),
        json!({ "nbf": now + 60 }),
        json!({ "nbf": u64::MAX }),
        json!({ "nbf": 1e300 }),
        json!({ "nbf": "0" }),
        // Expired, and for somebody else: no reason to fetch another.
        json!({ "exp": null, "aud": "web" }),
    ] {
        ask(&server, &ed().sign(&but(&bad))).await.is(ErrorCode::TokenRefused);
    }
}

#[tokio::test]
async fn the_user_is_in_the_claim_that_is_named() {
    let issuer = Issuer::new(&[ed()]).await;
    let server = server(&issuer, &["--jwt-user-claim", "preferred_username", "--jwt-audience", "chat"]).await;
    let named = ed().sign(&but(&json!({ "sub": "b3f1", "preferred_username": "alice" })));
    assert_eq!(ask(&server, &named).await.status, 200);
    let room = server.with_token(Some(named)).make_room(&[]).await;
    let subject = ed().sign(&but(&json!({ "sub": "alice", "preferred_username": "eve" })));
    server.with_token(Some(subject)).ask(room, "").await.is(ErrorCode::NotAMember);
    for bad in [json!(null), json!(""), json!("a b"), json!(17), json!(["alice"]), json!("x".repeat(200))] {
        let token = ed().sign(&but(&json!({ "preferred_username": bad })));
        ask(&server, &token).await.is(ErrorCode::TokenRefused);
    }
}
