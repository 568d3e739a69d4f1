//! Traces: the number in the log, and spans at a collector.

use crate::common::{DEADLINE, LONG_DRAIN, Server, send};
use reqwest::Method;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Version, trace, span and flags (W3C Trace Context, 3.2).
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Something that takes spans, as a collector does; it keeps what was sent.
struct Collector(TcpListener);

impl Collector {
    async fn new() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (Self(listener), url)
    }

    /// The head and the body of the next request, which is answered.
    async fn request(&self) -> (String, Vec<u8>) {
        self.whole_request().await.expect("a request without an end")
    }

    /// The same, unless whoever sent it gave up before its end.
    async fn whole_request(&self) -> Option<(String, Vec<u8>)> {
        let (mut stream, _) = timeout(DEADLINE, self.0.accept()).await.expect("no spans come").unwrap();
        let mut read = Vec::new();
        loop {
            let mut more = [0; 4096];
            let length = stream.read(&mut more).await.ok().filter(|length| *length > 0)?;
            read.extend_from_slice(&more[..length]);
            let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(read[..end].to_vec()).unwrap().to_lowercase();
            let body: usize =
                head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
            if read.len() == end + 4 + body {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(answer).await.ok()?;
                return Some((head, read[end + 4..].to_vec()));
            }
        }
    }
}

fn has(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

#[tokio::test]
async fn a_request_is_a_span_of_its_callers_trace_and_says_nothing_of_what_was_said() {
    let (collector, url) = Collector::new().await;
    let server = Server::start_with(&["--otlp-endpoint", &url, "--log", "warn"]);
    let alice = server.user("alice");
    let room = alice.make_room(&["hidden-bob"]).await;
    let path = format!("/v1/rooms/{room}/messages?hidden-query=1");
    let request = alice.request(Method::POST, &path).header("traceparent", TRACEPARENT);
    let request =
        request.header("idempotency-key", "hidden-key").json(&serde_json::json!({ "text": "hidden-text" }));
    assert_eq!(send(request).await.status, 201);
    let (head, mut body) = collector.request().await;
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    let parent: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).unwrap()).collect();
    let wanted = [
        "service.name".as_bytes(),
        b"chat-server",
        b"POST /v1/rooms/{room}/messages",
        b"http.request.method",
        b"http.route",
        b"http.response.status_code",
        b"server.address",
        b"127.0.0.1",
        b"POST /v1/rooms",
        &parent,
    ];
    // In one batch, or in two when they came far apart. When one never comes, neither does a request.
    while !wanted.iter().all(|what| has(&body, what)) {
        body.extend(collector.request().await.1);
    }
    let token = alice.token.unwrap();
    for what in ["hidden", token.rsplit_once('.').unwrap().1, "alice"] {
        assert!(!has(&body, what.as_bytes()), "{what}");
    }
}

#[tokio::test]
async fn the_last_spans_are_sent_before_the_end_and_a_collector_that_is_away_holds_nothing_up() {
    let (collector, url) = Collector::new().await;
    // A collector that stands still for two seconds is not waited for: then it is tried again.
    let tried = Instant::now();
    loop {
        let server = Server::start_with(&["--otlp-endpoint", &url]);
        assert_eq!(server.user("alice").get("/v1/rooms").await.status, 200);
        server.signal("-TERM");
        let sent = collector.whole_request().await;
        assert_eq!(server.ended().status.code(), Some(0));
        if let Some((_, body)) = sent {
            assert!(has(&body, b"GET /v1/rooms"));
            break;
        }
        assert!(tried.elapsed() < 2 * DEADLINE, "they are never sent whole");
    }

    drop(collector);
    let server = Server::start_with(&[&LONG_DRAIN[..], &["--otlp-endpoint", &url]].concat());
    assert_eq!(server.user("alice").get("/v1/rooms").await.status, 200);
    assert_eq!(server.stop().status.code(), Some(0), "nobody waited for it");
}

#[tokio::test]
async fn the_log_names_the_trace_of_a_request_that_has_one() {
    let server = Server::start_with(&["--log-format", "json"]);
    let alice = server.user("alice");
    for traceparent in [TRACEPARENT, "00-not-one", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"]
    {
        send(alice.request(Method::GET, "/v1/rooms").header("traceparent", traceparent)).await;
    }
    alice.get("/v1/rooms").await;
    let log = server.stop().stderr;
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 4, "{log}");
    assert_eq!(requests[0]["span"]["trace_id"], TRACE);
    assert!(requests[1..].iter().all(|line| line.get("span").is_none()), "{log}");

    let server = Server::start();
    send(server.user("alice").request(Method::GET, "/v1/rooms").header("traceparent", TRACEPARENT)).await;
    let log = server.stop().stderr;
    assert!(log.contains(&format!("request{{trace_id={TRACE}}}")), "{log}");
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    let (code, _, stderr) = crate::process::run(&["--otlp-endpoint", "collector:4317"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("http://"), "{stderr}");
}
