//! The binary as a neighbour: what it prints, how it ends, what it refuses.

use crate::common::{DEADLINE, LONG_DRAIN, SECRET, Server, binary, key, token};
use chat_server::auth::{Secret, Tokens};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// A connection that has had its answer and stays open.
fn idle_connection(server: &Server) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut status = String::new();
    BufReader::new(socket.try_clone().unwrap()).read_line(&mut status).unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    socket
}

pub(crate) fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = binary().args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_first_line_on_stdout_is_an_address_that_takes_connections() {
    let server = Server::start();
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    idle_connection(&server);
}

#[test]
fn either_signal_ends_it_well_and_idle_connections_do_not_hold_it() {
    for signal in ["-TERM", "-INT"] {
        let server = Server::start_with(&LONG_DRAIN);
        let _idle: Vec<_> = (0..5).map(|_| idle_connection(&server)).collect();
        let _silent = TcpStream::connect(server.address()).unwrap();
        server.signal(signal);
        let ended = server.ended();
        assert_eq!(ended.status.code(), Some(0), "the drain waited for nobody: {}", ended.stderr);
    }
}

#[test]
fn times_that_no_client_of_ours_could_live_with_are_refused() {
    for (flag, least, most) in [("--heartbeat", "1", "50"), ("--max-wait", "5", "55")] {
        for wrong in ["0", "56", if least == "5" { "4" } else { "51" }] {
            let (code, stdout, stderr) = run(&[flag, wrong]);
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{flag} {wrong}");
            assert!(stderr.contains(&format!("{least}..={most}")), "{stderr}");
        }
        for right in [least, most] {
            Server::start_with(&[flag, right]);
        }
    }
}

/// A `POST` whose head has arrived and whose body has not.
pub(crate) async fn half_a_post(server: &Server) -> TcpStream {
    let room = server.user("alice").make_room(&[]).await;
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        socket,
        "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: {}\r\n\
         content-type: application/json\r\ncontent-length: 13\r\nexpect: 100-continue\r\n\r\n",
        token("alice"),
        key()
    )
    .unwrap();
    // The server says so when a handler asks for the body: the request is under way.
    let mut proceed = [0; 25];
    socket.read_exact(&mut proceed).unwrap();
    assert_eq!(&proceed, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let server = Server::start_with(&LONG_DRAIN);
    let mut socket = half_a_post(&server).await;
    server.signal("-TERM");
    let gone = Instant::now() + DEADLINE;
    while TcpStream::connect(server.address()).is_ok() {
        assert!(Instant::now() < gone, "newcomers are still taken");
    }
    socket.write_all(br#"{"text":"hi"}"#).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(server.ended().status.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_never_finishes_does_not_hold_the_end_for_long() {
    let server = Server::start_with(&["--drain-timeout", "1s"]);
    let _socket = half_a_post(&server).await;
    let asked = Instant::now();
    assert_eq!(server.stop().status.code(), Some(0));
    // A body is waited for longer than that.
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}

#[test]
fn a_connection_that_never_asks_is_closed() {
    let server = Server::start();
    let mut silent = TcpStream::connect(server.address()).unwrap();
    let mut dribbling = TcpStream::connect(server.address()).unwrap();
    dribbling.write_all(b"PRI * HT").unwrap(); // could be either HTTP
    for socket in [&mut silent, &mut dribbling] {
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        match socket.read_to_end(&mut Vec::new()) {
            Ok(_) => {} // HTTP/2 begins on both sides
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("the connection is still open: {other:?}"),
        }
    }
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let (code, stdout, stderr) =
        run(&["--listen", &address, "--jwt-secret", SECRET, "--database", database.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains(&format!("cannot listen on {address}: Address already in use")), "{stderr}");
    assert!(!stderr.contains("panic"), "{stderr}");
}

#[test]
fn token_prints_a_token_and_nothing_else() {
    let (code, stdout, stderr) = run(&["token", "--user", "민수", "--jwt-secret", SECRET, "--ttl", "7d"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let token = stdout.strip_suffix('\n').unwrap();
    let tokens = Tokens::new(&Secret::new(SECRET).unwrap());
    assert_eq!(tokens.user(token).unwrap().as_str(), "민수");
    let claims: serde_json::Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    let left = claims["exp"].as_u64().unwrap() - jsonwebtoken::get_current_timestamp();
    assert!((7 * 86_400 - 60..=7 * 86_400).contains(&left), "{left}");
}

#[test]
fn a_token_without_a_secret_is_told_where_one_may_be_given_the_best_place_first() {
    let (code, stdout, stderr) = run(&["token", "--user", "alice"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let place = |name: &str| stderr.find(name).unwrap_or_else(|| panic!("no {name} in {stderr}"));
    assert!(place("CHAT_JWT_SECRET") < place("--config") && place("--config") < place("--jwt-secret"));
}

#[test]
fn a_lifetime_that_is_none_is_explained() {
    for ttl in ["-1h", "-5s", "soon", "", "0s", "10", "9999999y"] {
        let (code, stdout, stderr) = run(&["token", "--user", "alice", "--jwt-secret", SECRET, "--ttl", ttl]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{ttl}");
        assert!(stderr.contains("--ttl"), "{stderr}");
    }
    let (code, _, stderr) = run(&["token", "--user", "a b", "--jwt-secret", SECRET]);
    assert!(code == Some(2) && stderr.contains("user id"), "{stderr}");
}

#[test]
fn an_interval_between_polls_is_a_second_to_a_day() {
    for interval in ["0", "-1", "86401", "1.5", "1s", ""] {
        // Were it taken, the server would still not start: others are let in with a secret only.
        let (code, stdout, stderr) = run(&["--listen", "0.0.0.0:0", &format!("--poll-interval={interval}")]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{interval}");
        assert!(stderr.contains("--poll-interval"), "{stderr}");
    }
    Server::start_with(&["--poll-interval", "86400"]);
}

#[test]
fn the_environment_gives_the_secret_and_help_does_not_show_it() {
    let secret = "hidden-secret-of-at-least-thirty-two-bytes";
    let token = binary().args(["token", "--user", "alice"]).env("CHAT_JWT_SECRET", secret).output().unwrap();
    let token = String::from_utf8(token.stdout).unwrap();
    assert!(Tokens::new(&Secret::new(secret).unwrap()).user(token.trim()).is_ok());
    for args in [&["--help"][..], &["token", "--help"], &["token"], &["--listen"]] {
        let output = binary().args(args).env("CHAT_JWT_SECRET", secret).output().unwrap();
        assert!(!format!("{output:?}").contains("hidden"), "{output:?}");
    }
}

#[test]
fn without_a_secret_it_serves_this_machine_alone_and_says_how_to_get_in() {
    let folder = tempfile::tempdir().unwrap();
    let open = binary().args(["--listen", "0.0.0.0:0"]).current_dir(&folder).output().unwrap();
    assert_eq!(open.status.code(), Some(1));
    assert!(String::from_utf8(open.stderr).unwrap().contains("--jwt-secret"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing was made");

    let mut child = binary()
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut hint = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    while !hint.contains("CHAT_JWT_SECRET=") {
        assert_ne!(stderr.read_line(&mut hint).unwrap(), 0, "{hint}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(hint.contains("chat-server token --user alice"), "{hint}");
}
