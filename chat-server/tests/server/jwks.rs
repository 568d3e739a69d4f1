//! Tokens that an issuer signs, whose public keys are in a JWKS.

mod attacks;
mod claims;
mod issuer;
mod keys;
mod rotation;

use crate::common::{Answer, Server, header, send, token};
use issuer::Issuer;
use jsonwebtoken::get_current_timestamp;
use keys::{Key, ec, ed, rsa};
use reqwest::Method;
use serde_json::{Value, json};

/// Good claims of alice's.
fn claims() -> Value {
    json!({ "sub": "alice", "exp": get_current_timestamp() + 600 })
}

async fn ask(server: &Server, token: &str) -> Answer {
    let request = server.with_token(None).request(Method::GET, "/v1/rooms");
    send(request.header("authorization", header(&format!("Bearer {token}")))).await
}

#[tokio::test]
async fn each_kind_of_key_signs_tokens_and_a_secret_beside_them_its_own() {
    let issuer = Issuer::new(&[rsa(), ec(), ed()]).await;
    let keys_only = Server::start_without_secret(&["--jwks", &issuer.url]);
    let both = Server::start_with(&["--jwks", &issuer.url]);
    for server in [&keys_only, &both] {
        for key in [rsa(), ec(), ed()] {
            assert_eq!(ask(server, &key.sign(&claims())).await.status, 200, "{:?}", key.algorithm);
            assert_eq!(ask(server, &key.sign_as(&claims(), None)).await.status, 200, "no key id");
        }
    }
    assert_eq!(ask(&both, &token("alice")).await.status, 200);
    assert_eq!(ask(&keys_only, &token("alice")).await.status, 401, "no secret, no HS256");
    // What is open goes on by the same token.
    let answer =
        ask(&keys_only, &ed().sign(&json!({ "sub": "민수", "exp": get_current_timestamp() + 600 }))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_issuer_that_this_machine_does_not_know_is_trusted_by_its_authority() {
    let key = ec();
    let issuer = Issuer::new_with_tls(std::slice::from_ref(&key)).await;
    let authority = issuer.authority();
    let server =
        Server::start_without_secret(&["--jwks", &issuer.url, "--jwks-ca", authority.to_str().unwrap()]);
    assert_eq!(ask(&server, &key.sign(&claims())).await.status, 200);
}

/// One of the keys, as its own set.
fn set(keys: &[Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk.clone()).collect::<Vec<_>>() }).to_string()
}
