//! Attacks on HTTP itself: heads and bodies that never end, that are too large, or that two servers would read
//! differently.

use crate::common::{DEADLINE, Server, key, token};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// All that comes until the server closes.
fn answer(server: &Server, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(request).unwrap();
    let mut heard = Vec::new();
    match socket.read_to_end(&mut heard) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("it is still open: {error}"),
        _ => String::from_utf8_lossy(&heard).into_owned(),
    }
}

/// How many answers there are in what was heard.
fn answers(heard: &str) -> usize {
    heard.matches("HTTP/1.1 ").count()
}

/// A second request, hidden in what one side takes for the body of the first.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

#[test]
fn of_a_body_with_two_lengths_nothing_behind_it_is_a_request() {
    let server = Server::start();
    let post = |headers: &str, body: &str| {
        format!(
            "POST /v1/rooms HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             {headers}\r\n\r\n{body}",
            token("alice")
        )
    };
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    for (what, request) in [
        (
            "CL.TE",
            post(&format!("content-length: {}\r\ntransfer-encoding: chunked", chunked.len()), &chunked),
        ),
        (
            "TE.CL",
            post(&format!("transfer-encoding: chunked\r\ncontent-length: {}", chunked.len()), &chunked),
        ),
        ("a chunk that is none", post("transfer-encoding: chunked", &format!("zz\r\n{SMUGGLED}"))),
        ("an unknown encoding", post("transfer-encoding: xchunked", &chunked)),
        ("chunked, and not last", post("transfer-encoding: chunked, identity", &chunked)),
        ("two lengths", post("content-length: 0\r\ncontent-length: 36", SMUGGLED)),
        ("a list of lengths", post("content-length: 0, 36", SMUGGLED)),
        ("a length with a sign", post("content-length: +0", SMUGGLED)),
        ("a negative length", post("content-length: -1", SMUGGLED)),
        ("a space before the colon", post("transfer-encoding : chunked", &chunked)),
        ("a folded header", post("x: y\r\n transfer-encoding: chunked", &chunked)),
        ("a bare line feed", post("x: y\ntransfer-encoding: chunked\ncontent-length: 5", &chunked)),
        ("a NUL", post("x: a\0b", SMUGGLED)),
        ("HTTP/1.0 in chunks", post("transfer-encoding: chunked", &chunked).replacen("1.1", "1.0", 1)),
    ] {
        let heard = answer(&server, request.as_bytes());
        assert!(answers(&heard.replace("HTTP/1.0 ", "HTTP/1.1 ")) <= 1, "{what}: {heard}");
    }
    let log = server.stop().stderr;
    assert!(!log.contains("(unmatched)"), "one was taken for a request: {log}");
}

#[test]
fn a_head_has_so_many_bytes_and_so_many_lines() {
    let server = Server::start();
    let get =
        |headers: &str| format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    let lines = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for (head, status) in [
        (get(&lines(90)), "200"),
        (get(&lines(120)), "431"),
        (get(&format!("x: {}\r\n", "y".repeat(15 << 10))), "200"),
        (get(&format!("x: {}\r\n", "y".repeat(17 << 10))), "431"),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(17 << 10)), "431"),
    ] {
        let heard = answer(&server, head.as_bytes());
        assert!(heard.starts_with(&format!("HTTP/1.1 {status}")), "{heard}");
    }
    assert_eq!(
        answers(&answer(&server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")),
        1,
        "TLS to a plain port"
    );
}

#[test]
fn a_head_that_trickles_ends_with_its_connection() {
    let server = Server::start();
    let began = Instant::now();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").unwrap();
    // As Slowloris does it: another header now and then.
    while socket.write_all(b"x: y\r\n").is_ok() {
        assert!(began.elapsed() < DEADLINE, "it is still open");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(began.elapsed() > Duration::from_secs(5), "a slow network is served");
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let began = Instant::now();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    write!(
        socket,
        "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: {}\r\n\
         content-type: application/json\r\ncontent-length: 60000\r\nconnection: close\r\n\r\n",
        token("alice"),
        key()
    )
    .unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut heard = Vec::new();
    while heard.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(50), "it is waited for");
        let _ = socket.write_all(b" ");
        let mut some = [0; 12];
        if let Ok(read) = socket.read(&mut some) {
            heard.extend_from_slice(&some[..read]);
        }
    }
    assert_eq!(heard, b"HTTP/1.1 503");
}

/// Opens streams and takes them back at once, so that the server works for nobody.
#[tokio::test]
async fn streams_that_are_taken_back_faster_than_they_are_looked_at_end_the_connection() {
    let server = Server::start();
    let tcp = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(tcp).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut opened = 0;
    while opened < 20_000 {
        let Ok(mut ready) = requests.ready().await else { break };
        let request = axum_request(&server);
        let Ok((_, mut stream)) = ready.send_request(request, true) else { break };
        stream.send_reset(h2::Reason::CANCEL);
        requests = ready;
        opened += 1;
    }
    let ended = tokio::time::timeout(DEADLINE, connection).await;
    assert!(opened < 20_000 || matches!(ended, Ok(Ok(Err(_)))), "{opened} were taken back");
    assert_eq!(server.user("alice").get("/v1/rooms").await.status, 200, "and others are served");
}

fn axum_request(server: &Server) -> axum::http::Request<()> {
    axum::http::Request::get(format!("{}/healthz", server.url)).body(()).unwrap()
}

#[tokio::test]
async fn headers_that_are_small_in_hpack_and_large_in_memory_are_refused() {
    let server = Server::start();
    let tcp = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(tcp).await.unwrap();
    tokio::spawn(connection);
    let mut request = axum_request(&server);
    // Each is a byte or two once the table has it.
    for _ in 0..2_000 {
        request.headers_mut().append("x-bomb", "y".repeat(200).parse().unwrap());
    }
    let outcome = match requests.send_request(request, true) {
        Ok((answer, _)) => answer.await.map(|answer| answer.status().as_u16()),
        Err(error) => Err(error),
    };
    assert!(!matches!(outcome, Ok(200)), "{outcome:?}");
    assert_eq!(server.user("alice").get("/v1/rooms").await.status, 200);
}
