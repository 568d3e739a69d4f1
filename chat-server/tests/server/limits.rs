//! Who asks for too much, and who is not punished for it.
//!
//! This machine is not limited as an address, so these requests come from a proxy on it that is trusted.

use crate::common::{Answer, DEADLINE, SECRET, Server, key, send, token};
use chat_protocol::{ErrorCode, ServerFrame};
use reqwest::Method;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PROXY: [&str; 2] = ["--trust-proxy", "127.0.0.1"];

/// Asks for the rooms of `user` from an address.
async fn ask_from(server: &Server, address: &str, token: &str) -> Answer {
    let request = server.with_token(Some(token.to_owned())).request(Method::GET, "/v1/rooms");
    send(request.header("x-forwarded-for", address)).await
}

/// Asks until it is turned away, and returns how often it was not, with the answer that says so.
async fn until_limited(server: &Server, address: &str, token: &str) -> (usize, Answer) {
    for asked in 0..1_000 {
        let answer = ask_from(server, address, token).await;
        if answer.status == 429 {
            answer.is(ErrorCode::RateLimited);
            return (asked, answer);
        }
    }
    panic!("nobody is turned away");
}

#[tokio::test]
async fn a_user_who_asks_for_too_much_is_told_when_to_come_back_and_is_let_in_then() {
    let server = Server::start_with(&["--user-rate", "2"]);
    let (alice, bob) = (token("alice"), token("bob"));
    let (asked, limited) = until_limited(&server, "", &alice).await;
    assert!((20..30).contains(&asked), "{asked}");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert_eq!(wait, 1);
    assert_eq!(ask_from(&server, "", &bob).await.status, 200, "each for itself");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(ask_from(&server, "", &alice).await.status, 200);
}

#[tokio::test]
async fn what_is_said_over_a_socket_counts_as_what_is_asked() {
    let server = Server::start_with(&["--user-rate", "2"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut socket = server.socket(room, "alice", 0).await;
    let mut refused = None;
    for _ in 0..100 {
        socket.say(&key(), "hi").await;
        if let ServerFrame::Refused { problem, retry_after, .. } = &socket.answers(1).await[0] {
            refused = Some((problem.code, *retry_after));
            break;
        }
    }
    assert_eq!(refused, Some((ErrorCode::RateLimited, Some(1))));
    alice.get("/v1/rooms").await.is(ErrorCode::RateLimited);
    // The connection stays, and what is said in time is stored.
    tokio::time::sleep(Duration::from_secs(1)).await;
    socket.say(&key(), "hi").await;
    assert!(matches!(socket.answers(1).await[0], ServerFrame::Sent { .. }));
}

#[tokio::test]
async fn an_address_is_limited_whoever_asks_and_a_subscriber_of_ipv6_is_one() {
    let server = Server::start_with(&[&PROXY[..], &["--address-rate", "2"]].concat());
    let (asked, limited) = until_limited(&server, "192.0.2.1", "no token at all").await;
    assert!((20..30).contains(&asked), "{asked}");
    assert_eq!(limited.header("retry-after"), "1");
    ask_from(&server, "192.0.2.1", &token("alice")).await.is(ErrorCode::RateLimited);
    assert_eq!(ask_from(&server, "192.0.2.2", &token("alice")).await.status, 200);
    for probe in ["/healthz", "/readyz"] {
        let request =
            server.with_token(None).request(Method::GET, probe).header("x-forwarded-for", "192.0.2.1");
        assert_eq!(send(request).await.status, 200, "a balancer would take the node out");
    }
    let mut asked = 0;
    while ask_from(&server, &format!("2001:db8::{asked:x}"), &token("alice")).await.status == 200 {
        asked += 1;
        assert!(asked < 30, "another address for each request");
    }
    assert_eq!(ask_from(&server, "2001:db8:0:1::1", &token("alice")).await.status, 200);
}

#[tokio::test]
async fn an_address_that_somebody_writes_beside_the_proxys_changes_nothing() {
    let server = Server::start_with(&[&PROXY[..], &["--address-rate", "2"]].concat());
    let alice = token("alice");
    let mut limited = false;
    for asked in 0..40 {
        let spoofed = format!("203.0.113.{asked}, 127.0.0.1, 192.0.2.7");
        limited |= ask_from(&server, &spoofed, &alice).await.status == 429;
    }
    assert!(limited, "what stands to the left was made up");
    // Nor does the header that the proxy does not write.
    let request = server.user("alice").request(Method::GET, "/v1/rooms");
    let answer =
        send(request.header("forwarded", "for=203.0.113.1").header("x-forwarded-for", "192.0.2.7")).await;
    answer.is(ErrorCode::RateLimited);
}

#[tokio::test]
async fn this_machine_is_no_address_and_its_headers_are_not_believed_unasked() {
    let server =
        Server::start_with(&["--address-rate", "1", "--refused-rate", "1", "--max-address-connections", "1"]);
    let connections: Vec<_> = (0..5).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    for _ in 0..30 {
        assert_eq!(ask_from(&server, "192.0.2.7", &token("alice")).await.status, 200);
        ask_from(&server, "192.0.2.7", "guess").await.is(ErrorCode::TokenRefused);
    }
    drop(connections);
}

#[tokio::test]
async fn who_forgot_to_name_the_proxy_is_told_once() {
    let (forgotten, named) = (Server::start(), Server::start_with(&PROXY));
    for server in [&forgotten, &named] {
        for _ in 0..3 {
            ask_from(server, "192.0.2.1", &token("alice")).await;
        }
    }
    assert_eq!(forgotten.stop().stderr.matches("--trust-proxy").count(), 1);
    assert_eq!(named.stop().stderr.matches("--trust-proxy").count(), 0);
}

#[tokio::test]
async fn who_guesses_tokens_is_not_listened_to_and_those_beside_go_on() {
    let server = Server::start_with(&[&PROXY[..], &["--refused-rate", "1"]].concat());
    let (at_home, newcomer) = (token("alice"), token("bob"));
    assert_eq!(ask_from(&server, "192.0.2.1", &at_home).await.status, 200);
    let (guesses, limited) = until_limited(&server, "192.0.2.1", "guess").await;
    assert!((10..15).contains(&guesses), "{guesses}");
    assert_eq!(limited.header("retry-after"), "1");
    // Not even the right one would be told from the others.
    ask_from(&server, "192.0.2.1", &newcomer).await.is(ErrorCode::RateLimited);
    assert_eq!(ask_from(&server, "192.0.2.1", &at_home).await.status, 200, "a token in use");
    assert_eq!(ask_from(&server, "192.0.2.2", &newcomer).await.status, 200, "another address");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ask_from(&server, "192.0.2.1", &newcomer).await.status, 200);
}

#[tokio::test]
async fn tokens_that_have_expired_are_no_guesses() {
    let server = Server::start_with(&[&PROXY[..], &["--refused-rate", "1"]].concat());
    let claims = serde_json::json!({ "sub": "alice", "exp": jsonwebtoken::get_current_timestamp() - 10 });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let expired = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    for _ in 0..30 {
        ask_from(&server, "192.0.2.1", &expired).await.is(ErrorCode::TokenExpired);
    }
    assert_eq!(ask_from(&server, "192.0.2.1", &token("alice")).await.status, 200);
}

/// Whether a new connection is answered.
fn is_served(address: &str) -> bool {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn beyond_the_connections_in_all_newcomers_wait() {
    let server = Server::start_with(&["--max-connections", "2"]);
    let held = [TcpStream::connect(server.address()).unwrap(), TcpStream::connect(server.address()).unwrap()];
    let address = server.address().to_owned();
    let waiting = std::thread::spawn(move || is_served(&address));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished(), "served beyond the limit");
    drop(held);
    assert!(waiting.join().unwrap());
}

#[test]
fn what_is_no_network_is_refused_at_the_start() {
    for not in ["proxy.example", "10.0.0.0/33", "10.0.0.0/8/8", ""] {
        let (code, stdout, stderr) = crate::process::run(&["--trust-proxy", not]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{not}");
        assert!(stderr.contains("--trust-proxy"), "{stderr}");
    }
}
