//! Tokens that pretend: each is refused, and nothing of it is said back.

use super::keys::{another_ed, other_rsa};
use super::{Issuer, Server, ask, claims, ec, ed, rsa};
use crate::common::{SECRET, header, send, token};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_protocol::ErrorCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A good token with another header or other claims before its signature.
fn with(token: &str, head: Option<&Value>, claims: Option<&Value>) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    for (place, value) in [head, claims].into_iter().enumerate() {
        if let Some(value) = value {
            parts[place] = part(value);
        }
    }
    parts.join(".")
}

async fn is_refused(server: &Server, attack: &str, token: &str) {
    let answer = ask(server, token).await;
    assert_eq!(answer.status, 401, "{attack}: {answer:?}");
    assert!(!String::from_utf8_lossy(&answer.body).contains(token), "{attack}");
    answer.is(ErrorCode::TokenRefused);
}

#[tokio::test]
async fn nothing_that_is_public_is_a_secret() {
    let issuer = Issuer::new(&[rsa(), ec(), ed()]).await;
    let servers = [
        Server::start_without_secret(&["--jwks", &issuer.url]),
        Server::start_with(&["--jwks", &issuer.url]),
    ];
    for server in &servers {
        for key in [rsa(), ec(), ed()] {
            for public in &key.public {
                let secret = EncodingKey::from_secret(public);
                for kid in [None, Some(key.id.clone())] {
                    let head = Header { kid, ..Header::new(Algorithm::HS256) };
                    let forged = jsonwebtoken::encode(&head, &claims(), &secret).unwrap();
                    is_refused(server, "HS256 with a public key", &forged).await;
                }
            }
        }
    }
    let mine = Header { kid: Some(rsa().id), ..Header::new(Algorithm::HS256) };
    let good = jsonwebtoken::encode(&mine, &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    assert_eq!(ask(&servers[1], &good).await.status, 200, "a key id says nothing about a secret");
}

#[tokio::test]
async fn a_token_is_good_by_its_own_key_and_algorithm_alone() {
    let issuer = Issuer::new(&[rsa(), ec(), ed()]).await;
    let server = Server::start_with(&["--jwks", &issuer.url]);
    let good = rsa().sign(&claims());
    for alg in
        ["none", "None", "NONE", "nOnE", "", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256"]
    {
        let head = json!({ "alg": alg, "typ": "JWT", "kid": "rsa-1" });
        is_refused(&server, alg, &with(&good, Some(&head), None)).await;
        let unsigned = format!("{}.{}.", part(&head), part(&claims()));
        is_refused(&server, alg, &unsigned).await;
    }
    for (algorithm, key) in [(Algorithm::RS384, rsa()), (Algorithm::RS512, rsa()), (Algorithm::PS256, rsa())]
    {
        let head = Header { kid: Some(key.id.clone()), ..Header::new(algorithm) };
        is_refused(&server, "another algorithm of the same key", &key.sign_with(&head, &claims())).await;
    }
    is_refused(&server, "another's key", &other_rsa().sign(&claims())).await;
    is_refused(&server, "another's key, unnamed", &other_rsa().sign_as(&claims(), None)).await;
    is_refused(&server, "the id of a key of another kind", &ec().sign_as(&claims(), Some("rsa-1"))).await;
    is_refused(&server, "the id of a key of another kind", &rsa().sign_as(&claims(), Some("ed-1"))).await;
    is_refused(&server, "other claims", &with(&good, None, Some(&json!({ "sub": "eve", "exp": 9e9 })))).await;
    let (body, signature) = good.rsplit_once('.').unwrap();
    is_refused(&server, "no signature", &format!("{body}.")).await;
    is_refused(&server, "half a signature", &format!("{body}.{}", &signature[..signature.len() / 2])).await;
    let curve = ec().sign(&claims());
    let zero = format!("{}.{}", curve.rsplit_once('.').unwrap().0, BASE64_URL_SAFE_NO_PAD.encode([0; 64]));
    is_refused(&server, "a signature of zeros (CVE-2022-21449)", &zero).await;
    assert_eq!(ask(&server, &good).await.status, 200);
}

#[tokio::test]
async fn nothing_in_a_token_says_where_its_key_is() {
    let (issuer, mallory) = (Issuer::new(&[ed()]).await, another_ed());
    let trap = Issuer::new(std::slice::from_ref(&mallory)).await;
    let server = Server::start_without_secret(&["--jwks", &issuer.url]);
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(mallory.jwk.clone()).unwrap();
    for kid in [Some("ed-1".to_owned()), Some("mallory".to_owned()), None] {
        let plain = Header { kid, ..Header::new(Algorithm::EdDSA) };
        for head in [
            Header { jku: Some(trap.url.clone()), ..plain.clone() },
            Header { x5u: Some(trap.url.clone()), ..plain.clone() },
            Header { jwk: Some(jwk.clone()), ..plain.clone() },
            Header { x5c: Some(vec!["AAAA".into()]), ..plain.clone() },
        ] {
            is_refused(&server, "its own key", &mallory.sign_with(&head, &claims())).await;
        }
    }
    assert_eq!(trap.asked(), 0, "the server asked whom a token named");
    // What is not looked at does no harm to whose signature is good.
    let head = Header { jku: Some(trap.url.clone()), kid: Some(ed().id), ..Header::new(Algorithm::EdDSA) };
    assert_eq!(ask(&server, &ed().sign_with(&head, &claims())).await.status, 200);
}

#[tokio::test]
async fn a_key_id_is_a_name_and_nothing_else() {
    let issuer = Issuer::new(&[ed()]).await;
    let server = Server::start_without_secret(&["--jwks", &issuer.url, "--log", "trace"]);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "ed-1\u{0}",
        "ED-1",
        "ed-1 ",
        "",
        "http://127.0.0.1/x",
        "%65d-1",
    ] {
        is_refused(&server, kid, &ed().sign_as(&claims(), Some(kid))).await;
    }
    for kid in [json!(1), json!(["ed-1"]), json!({ "x": "ed-1" }), json!(true)] {
        let head = json!({ "alg": "EdDSA", "kid": kid });
        is_refused(&server, "a key id that is no text", &with(&ed().sign(&claims()), Some(&head), None))
            .await;
    }
    let critical =
        Header { crit: Some(vec!["b64".into()]), kid: Some(ed().id), ..Header::new(Algorithm::EdDSA) };
    is_refused(&server, "what must be understood", &ed().sign_with(&critical, &claims())).await;
    assert!(!server.stop().stderr.contains("dev/null"));
}

#[tokio::test]
async fn what_is_no_token_costs_little_and_is_refused() {
    let issuer = Issuer::new(&[ed()]).await;
    let server = Server::start_with(&["--jwks", &issuer.url]);
    let huge = json!({ "sub": "alice", "exp": 9_999_999_999_u64, "padding": "x".repeat(9_000) });
    is_refused(&server, "too long", &ed().sign(&huge)).await;
    let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
    let deep = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","jwk":{deep}}}"#));
    is_refused(&server, "deep", &format!("{deep}.e30.AAAA")).await;
    for (what, nonsense) in [
        ("dots", "....".to_owned()),
        ("two parts", "e30.e30".to_owned()),
        ("four parts", format!("{}.e30", token("alice"))),
        ("an empty header", format!(".{}", token("alice").split_once('.').unwrap().1)),
        ("five parts, as JWE has", "e30.e30.e30.e30.e30".to_owned()),
        ("padding", format!("{}=", token("alice"))),
        ("twice the algorithm", {
            let head = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","alg":"EdDSA"}"#);
            let good = ed().sign(&claims());
            format!("{head}.{}", good.split_once('.').unwrap().1)
        }),
    ] {
        is_refused(&server, what, &nonsense).await;
    }
    // Beyond what a head may have, HTTP itself refuses it.
    assert_eq!(ask(&server, &"x".repeat(20_000)).await.status, 431);
    let (one, other) = (format!("Bearer {}", ed().sign(&claims())), format!("Bearer {}", token("bob")));
    let both = server.with_token(None).request(Method::GET, "/v1/rooms");
    let both = both.header("authorization", header(&one)).header("authorization", header(&other));
    send(both).await.is(ErrorCode::TokenRefused);
    for two in [
        format!("Bearer {} {}", token("alice"), token("bob")),
        format!("Bearer {}, {}", token("alice"), token("bob")),
    ] {
        let request = server.with_token(None).request(Method::GET, "/v1/rooms");
        send(request.header("authorization", header(&two))).await.is(ErrorCode::TokenRefused);
    }
}
