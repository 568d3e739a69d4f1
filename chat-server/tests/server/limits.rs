//! Who asks for too much, and who is not punished for it.
//!
//! This machine is not limited as an address, so these requests come from a proxy on it that is trusted.

use crate::common::{Answer, Api, DEADLINE, SECRET, Server, key, send, token};
use chat_protocol::{ErrorCode, ServerFrame};
use reqwest::Method;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PROXY: [&str; 2] = ["--trust-proxy", "127.0.0.1"];

/// Asks for the rooms of whoever has the token, from an address.
async fn ask_from(api: &Api, address: &str, token: &str) -> Answer {
    let api = Api { token: Some(token.to_owned()), ..api.clone() };
    send(api.request(Method::GET, "/v1/rooms").header("x-forwarded-for", address)).await
}

/// Asks until it is turned away, and returns how often it was not, with the answer that says so.
///
/// What is allowed comes back while one asks: a busy machine may ask again later than that. So whoever counts does it
/// [`within`] a time, and that something is refused is found by asking until it is.
async fn until_limited(api: &Api, address: &str, token: &str) -> (usize, Answer) {
    let waited = Instant::now();
    for asked in 0.. {
        let answer = ask_from(api, address, token).await;
        if answer.status == 429 {
            answer.is(ErrorCode::RateLimited);
            return (asked, answer);
        }
        assert!(waited.elapsed() < DEADLINE, "nobody is turned away");
    }
    unreachable!()
}

/// Whether so many passed as may at `rate` a second since `began`: ten seconds' worth, and what has come back since.
#[track_caller]
fn within(rate: usize, began: Instant, passed: usize) {
    let most = 10 * rate + 1 + (began.elapsed().as_secs_f64() * rate as f64) as usize;
    assert!((10 * rate..=most).contains(&passed), "{passed}, and not {} to {most}", 10 * rate);
}

/// Asks until it is let in, as it should be a moment after it was turned away.
async fn until_let_in(api: &Api, address: &str, token: &str) {
    let waited = Instant::now();
    while ask_from(api, address, token).await.status != 200 {
        assert!(waited.elapsed() < DEADLINE, "never let in again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_user_who_asks_for_too_much_is_told_when_to_come_back_and_is_let_in_then() {
    let server = Server::start_with(&["--user-rate", "2"]);
    let (api, alice, bob) = (server.with_token(None), token("alice"), token("bob"));
    let began = Instant::now();
    let (asked, limited) = until_limited(&api, "", &alice).await;
    within(2, began, asked);
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert_eq!(wait, 1);
    assert_eq!(ask_from(&api, "", &bob).await.status, 200, "each for itself");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(ask_from(&api, "", &alice).await.status, 200);
}

#[tokio::test]
async fn what_is_said_over_a_socket_counts_as_what_is_asked() {
    let server = Server::start_with(&["--user-rate", "2"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut socket = server.socket(room, "alice", 0).await;
    let began = Instant::now();
    loop {
        socket.say(&key(), "hi").await;
        if let ServerFrame::Refused { problem, retry_after, .. } = &socket.answers(1).await[0] {
            assert_eq!((problem.code, *retry_after), (ErrorCode::RateLimited, Some(1)));
            break;
        }
        assert!(began.elapsed() < DEADLINE, "one may say as much as one likes");
    }
    // What was said is gone from what may be asked: much less than the first burst is left.
    let asking = Instant::now();
    let (asked, _) = until_limited(&alice, "", alice.token.as_ref().unwrap()).await;
    assert!(asked < 20 || asking.elapsed() > Duration::from_secs(1), "{asked} of twenty were left");
    // The connection stays, and what is said in time is stored.
    tokio::time::sleep(Duration::from_secs(1)).await;
    socket.say(&key(), "hi").await;
    assert!(matches!(socket.answers(1).await[0], ServerFrame::Sent { .. }));
}

#[tokio::test]
async fn an_address_is_limited_whoever_asks_and_a_subscriber_of_ipv6_is_one() {
    let server = Server::start_with(&[&PROXY[..], &["--address-rate", "2"]].concat());
    let api = server.with_token(None);
    let began = Instant::now();
    let (asked, limited) = until_limited(&api, "192.0.2.1", "no token at all").await;
    within(2, began, asked);
    assert_eq!(limited.header("retry-after"), "1");
    // Whoever else asks from there has what is left, and what has come back meanwhile.
    let asking = Instant::now();
    let (asked, _) = until_limited(&api, "192.0.2.1", &token("alice")).await;
    assert!(asked < 20 || asking.elapsed() > Duration::from_secs(1), "{asked}: a burst of one's own");
    assert_eq!(ask_from(&api, "192.0.2.2", &token("alice")).await.status, 200);
    for probe in ["/healthz", "/readyz"] {
        for _ in 0..40 {
            let request = api.request(Method::GET, probe).header("x-forwarded-for", "192.0.2.1");
            assert_ne!(send(request).await.status, 429, "a balancer would take the node out");
        }
    }
    let (mut asked, began) = (0, Instant::now());
    while ask_from(&api, &format!("2001:db8::{asked:x}"), &token("alice")).await.status == 200 {
        asked += 1;
        assert!(began.elapsed() < DEADLINE, "another address for each request");
    }
    within(2, began, asked);
    assert_eq!(ask_from(&api, "2001:db8:0:1::1", &token("alice")).await.status, 200);
}

#[tokio::test]
async fn an_address_that_somebody_writes_beside_the_proxys_changes_nothing() {
    let server = Server::start_with(&[&PROXY[..], &["--address-rate", "2"]].concat());
    let (api, alice) = (server.with_token(None), token("alice"));
    let (mut asked, began) = (0, Instant::now());
    while ask_from(&api, &format!("203.0.113.{}, 127.0.0.1, 192.0.2.7", asked % 256), &alice).await.status
        == 200
    {
        asked += 1;
        assert!(began.elapsed() < DEADLINE, "what stands to the left was made up");
    }
    within(2, began, asked);
    // Nor does the header that the proxy does not write.
    let mut said = 0..;
    loop {
        let forwarded = format!("for=203.0.113.{}", said.next().unwrap_or(0) % 256);
        let request = server.user("alice").request(Method::GET, "/v1/rooms").header("forwarded", forwarded);
        if send(request.header("x-forwarded-for", "192.0.2.7")).await.status == 429 {
            break;
        }
        assert!(began.elapsed() < 2 * DEADLINE, "the other header is believed");
    }
}

#[tokio::test]
async fn who_cannot_be_read_is_limited_with_the_proxy_and_hides_nobody_beside() {
    let server = Server::start_with(&[&PROXY[..], &["--address-rate", "2"]].concat());
    let alice = server.user("alice");
    let ask = async |said: &[u8]| {
        send(alice.request(Method::GET, "/v1/rooms").header("x-forwarded-for", said)).await.status
    };
    // The client's own byte, and the proxy's address behind it; and a proxy that writes no address.
    for said in [&b"\xe9, 192.0.2.7"[..], b"unknown", b"\xe9"] {
        let (mut asked, began) = (0, Instant::now());
        while ask(said).await == 200 {
            asked += 1;
            assert!(began.elapsed() < DEADLINE, "{said:?} is not limited");
        }
        assert!(asked <= 21 + 2 * began.elapsed().as_secs(), "{asked}");
    }
    assert_eq!(ask(b"192.0.2.8").await, 200, "others are");
}

#[tokio::test]
async fn this_machine_is_no_address_and_its_headers_are_not_believed_unasked() {
    let server =
        Server::start_with(&["--address-rate", "1", "--refused-rate", "1", "--max-address-connections", "1"]);
    let connections: Vec<_> = (0..5).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let api = server.with_token(None);
    for _ in 0..30 {
        assert_eq!(ask_from(&api, "192.0.2.7", &token("alice")).await.status, 200);
        ask_from(&api, "192.0.2.7", "guess").await.is(ErrorCode::TokenRefused);
    }
    drop(connections);
}

#[tokio::test]
async fn who_forgot_to_name_the_proxy_is_told_once() {
    let (forgotten, named) = (Server::start(), Server::start_with(&PROXY));
    for server in [&forgotten, &named] {
        for _ in 0..3 {
            ask_from(&server.with_token(None), "192.0.2.1", &token("alice")).await;
        }
    }
    assert_eq!(forgotten.stop().stderr.matches("--trust-proxy").count(), 1);
    assert_eq!(named.stop().stderr.matches("--trust-proxy").count(), 0);
}

#[tokio::test]
async fn who_guesses_tokens_is_not_listened_to_and_those_beside_go_on() {
    let server = Server::start_with(&[&PROXY[..], &["--refused-rate", "1"]].concat());
    let (api, at_home, newcomer) = (server.with_token(None), token("alice"), token("bob"));
    assert_eq!(ask_from(&api, "192.0.2.1", &at_home).await.status, 200);
    let began = Instant::now();
    let (guesses, limited) = until_limited(&api, "192.0.2.1", "guess").await;
    within(1, began, guesses);
    assert_eq!(limited.header("retry-after"), "1");
    // Not even the right one would be told from the others: another newcomer each time, since who was let in once is
    // known from then on.
    let mut refused = false;
    for n in 0.. {
        until_limited(&api, "192.0.2.1", "guess").await;
        refused |= ask_from(&api, "192.0.2.1", &token(&format!("newcomer-{n}"))).await.status == 429;
        if refused {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "a newcomer is always heard");
    }
    assert_eq!(ask_from(&api, "192.0.2.1", &at_home).await.status, 200, "a token in use");
    assert_eq!(ask_from(&api, "192.0.2.2", &newcomer).await.status, 200, "another address");
    until_let_in(&api, "192.0.2.1", &token("carol")).await;
}

#[tokio::test]
async fn tokens_that_have_expired_are_no_guesses() {
    let server = Server::start_with(&[&PROXY[..], &["--refused-rate", "1"]].concat());
    let claims = serde_json::json!({ "sub": "alice", "exp": jsonwebtoken::get_current_timestamp() - 10 });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let expired = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let api = server.with_token(None);
    for _ in 0..30 {
        ask_from(&api, "192.0.2.1", &expired).await.is(ErrorCode::TokenExpired);
    }
    assert_eq!(ask_from(&api, "192.0.2.1", &token("alice")).await.status, 200);
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
