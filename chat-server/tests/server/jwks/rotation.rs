//! Keys that change, and issuers that are away, while the server runs.

use super::keys::{Key, another_ed};
use super::{Issuer, Server, ask, claims, ed, set};
use crate::common::{DEADLINE, SECRET, token};
use crate::process::run;
use chat_protocol::{ErrorCode, UserId};
use chat_server::auth::{Secret, mint};
use std::time::{Duration, Instant};

/// Until a token of that key is refused.
async fn withdrawn(server: &Server, key: &Key) {
    let (waited, token) = (Instant::now(), key.sign(&claims()));
    while ask(server, &token).await.status == 200 {
        assert!(waited.elapsed() < DEADLINE, "a key that is withdrawn stays good");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ask(server, &token).await.is(ErrorCode::TokenRefused);
}

#[tokio::test]
async fn a_new_key_is_good_with_its_first_token_and_a_withdrawn_one_no_longer() {
    let (old, new) = (ed(), another_ed().named("ed-2"));
    let issuer = Issuer::new(std::slice::from_ref(&old)).await;
    let server = Server::start_without_secret(&["--jwks", &issuer.url, "--jwks-refresh", "1h"]);
    let seen = old.sign(&claims());
    assert_eq!(ask(&server, &seen).await.status, 200);
    issuer.publish(&[old.clone(), new.clone()]);
    assert_eq!(ask(&server, &new.sign(&claims())).await.status, 200, "it is asked for at once");
    assert_eq!(ask(&server, &seen).await.status, 200);
    issuer.publish(std::slice::from_ref(&new));
    server.signal("-HUP");
    withdrawn(&server, &old).await;
    ask(&server, &seen).await.is(ErrorCode::TokenRefused);
    assert_eq!(ask(&server, &new.sign(&claims())).await.status, 200);
}

#[tokio::test]
async fn keys_are_read_anew_now_and_then_without_anybody_asking() {
    let (old, new) = (ed(), another_ed().named("ed-2"));
    let issuer = Issuer::new(std::slice::from_ref(&old)).await;
    let server = Server::start_without_secret(&["--jwks", &issuer.url, "--jwks-refresh", "1s"]);
    assert_eq!(ask(&server, &old.sign(&claims())).await.status, 200);
    issuer.publish(&[new]);
    withdrawn(&server, &old).await;
}

#[tokio::test]
async fn however_many_tokens_of_unknown_keys_come_the_issuer_is_asked_seldom() {
    let issuer = Issuer::new(&[ed()]).await;
    let server = Server::start_without_secret(&["--jwks", &issuer.url]);
    let (asked, began) = (issuer.asked(), Instant::now());
    let attacks = (0..200).map(|number| {
        let (token, api) =
            (ed().sign_as(&claims(), Some(&format!("made-up-{number}"))), server.with_token(None));
        tokio::spawn(async move {
            let request = api.request(reqwest::Method::GET, "/v1/rooms").bearer_auth(token);
            crate::common::send(request).await.is(ErrorCode::TokenRefused);
        })
    });
    for attack in attacks.collect::<Vec<_>>() {
        attack.await.unwrap();
    }
    let most = 2 + began.elapsed().as_secs() as usize / 2;
    assert!(issuer.asked() - asked <= most, "asked {} times", issuer.asked() - asked);
    assert_eq!(ask(&server, &ed().sign(&claims())).await.status, 200, "and others are served");
}

#[tokio::test]
async fn strangers_of_one_address_do_not_take_all_places_of_those_who_wait_for_keys() {
    let (old, new) = (ed(), another_ed().named("ed-2"));
    let issuer = Issuer::new(std::slice::from_ref(&old)).await;
    let options = ["--jwks", &issuer.url, "--trust-proxy", "127.0.0.1", "--refused-rate", "0"];
    let server = Server::start_without_secret(&options);
    let ask_from = async |address: &str, token: String| {
        let request = server.with_token(Some(token)).request(reqwest::Method::GET, "/v1/rooms");
        crate::common::send(request.header("x-forwarded-for", address)).await.status.as_u16()
    };
    let attack = async || {
        let guesses =
            (0..100).map(|n| ask_from("192.0.2.1", ed().sign_as(&claims(), Some(&format!("none-{n}")))));
        futures_util::future::join_all(guesses).await
    };
    let began = Instant::now();
    let mut answers = attack().await;
    // They wait together for the next reading, unless the machine was so slow that it came in between.
    while !answers.contains(&503) {
        assert!(began.elapsed() < DEADLINE, "a hundred wait at once");
        answers = attack().await;
    }
    assert!(answers.contains(&401), "some wait, and are refused: {answers:?}");
    issuer.publish(&[old, new.clone()]);
    let (answers, good) = tokio::join!(attack(), ask_from("192.0.2.2", new.sign(&claims())));
    assert_eq!(good, 200, "those beside wait for their key: {answers:?}");
}

#[tokio::test]
async fn an_issuer_that_is_away_takes_nobody_with_it() {
    let (old, new) = (ed(), another_ed().named("ed-2"));
    let issuer = Issuer::new(std::slice::from_ref(&old)).await;
    let server = Server::start_without_secret(&["--jwks", &issuer.url, "--jwks-refresh", "1s"]);
    for (status, body) in [
        ("500 Oops", ""),
        ("200 OK", "<html>"),
        ("200 OK", r#"{"keys":[]}"#),
        ("302 Found", ""),
        ("200 OK", &"x".repeat(300_000)),
    ] {
        issuer.answer(status, body);
        // What nobody can tell good from bad is not refused: a session would end for it.
        let unknown = ask(&server, &new.sign(&claims())).await;
        unknown.is(ErrorCode::Unavailable);
        assert_eq!(unknown.header("retry-after"), "5");
        assert_eq!(ask(&server, &old.sign(&claims())).await.status, 200, "{status}: the last keys stay");
    }
    issuer.be_down(true);
    ask(&server, &new.sign(&claims())).await.is(ErrorCode::Unavailable);
    issuer.publish(&[old, new.clone()]);
    issuer.be_down(false);
    assert_eq!(ask(&server, &new.sign(&claims())).await.status, 200);
    let log = server.stop().stderr;
    assert!(log.contains("cannot read the keys") && log.contains("it answers 500"), "{log}");
}

#[tokio::test]
async fn keys_come_out_of_a_file_and_are_read_anew_on_a_signal() {
    let (old, new) = (ed(), another_ed().named("ed-2"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, set(std::slice::from_ref(&old))).unwrap();
    let server = Server::start_without_secret(&["--jwks", file.to_str().unwrap()]);
    assert_eq!(ask(&server, &old.sign(&claims())).await.status, 200);
    std::fs::write(&file, set(std::slice::from_ref(&new))).unwrap();
    server.signal("-HUP");
    withdrawn(&server, &old).await;
    assert_eq!(ask(&server, &new.sign(&claims())).await.status, 200);
}

#[test]
fn without_keys_it_does_not_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let start = || {
        run(&[
            "--listen",
            "127.0.0.1:0",
            "--database",
            "/nonexistent/chat.db",
            "--jwks",
            file.to_str().unwrap(),
        ])
    };
    for (content, why) in [
        (None, "No such file"),
        (Some("[]"), "it is no JWKS"),
        (Some(r#"{"keys":[]}"#), "it has no key for RS256, ES256 or EdDSA"),
        (Some(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#), "it has no key for RS256, ES256 or EdDSA"),
    ] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let (code, stdout, stderr) = start();
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains("cannot get keys from") && stderr.contains(why), "{stderr}");
    }
    for not in ["http://issuer.example/jwks", "ftp://issuer.example/jwks"] {
        let (code, _, stderr) = run(&["--jwks", not]);
        assert_eq!(code, Some(2));
        assert!(stderr.contains("https://"), "{stderr}");
    }
}

#[tokio::test]
async fn a_secret_is_changed_without_ending_anybodys_session() {
    let new = "another secret of more than thirty-two bytes";
    let mint = |secret: &str| {
        mint(&UserId::new("alice").unwrap(), &Secret::new(secret).unwrap(), Duration::from_secs(60)).unwrap()
    };
    let server = Server::start_without_secret(&["--jwt-secret", new, "--jwt-secret-previous", SECRET]);
    assert_eq!(ask(&server, &mint(new)).await.status, 200);
    assert_eq!(ask(&server, &token("alice")).await.status, 200, "signed with the secret before");
    ask(&server, &mint("a third that was never ours, as long as they")).await.is(ErrorCode::TokenRefused);
    let (code, _, stderr) = run(&["--jwt-secret-previous", SECRET]);
    assert!(code == Some(2) && stderr.contains("--jwt-secret"), "{stderr}");
}
