//! Peers of HTTP/2 that open no window: what they asked for waits for them, and there is a bound to it.

use crate::common::{Api, Server, say_at_once};
use axum::http::{Request, Response};
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A connection of HTTP/2 that takes the heads of answers and nothing behind them.
struct Windowless {
    requests: SendRequest<&'static [u8]>,
    connection: JoinHandle<Result<(), h2::Error>>,
    token: String,
}

impl Windowless {
    async fn connect(server: &Server, user: &Api) -> Self {
        let tcp = TcpStream::connect(server.address()).await.unwrap();
        let (requests, connection) = Builder::new().initial_window_size(0).handshake(tcp).await.unwrap();
        Self { requests, connection: tokio::spawn(connection), token: user.token.clone().unwrap() }
    }

    async fn ask(&self, path: &str, encoding: &str) -> Response<RecvStream> {
        let request = Request::get(format!("http://x{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept-encoding", encoding);
        let mut requests = self.requests.clone().ready().await.unwrap();
        requests.send_request(request.body(()).unwrap(), true).unwrap().0.await.unwrap()
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn pages_that_wait_for_a_window_cost_a_bounded_memory() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    say_at_once(&alice, room, 500, &"🦀".repeat(4_000)).await;
    // As much of it as one page takes is read once, so that what a server needs for any is not counted.
    alice.page(room, "?after=0&limit=500").await;
    let before = server.resident_bytes();

    let peer = Windowless::connect(&server, &alice).await;
    let path = format!("/v1/rooms/{room}/messages?after=0&limit=500");
    let ask = async |encoding: &str| {
        let answer = peer.ask(&path, encoding).await;
        assert_eq!(answer.status(), 200);
        answer
    };
    let mut answers = vec![ask("identity").await];
    // By now the server has said how many it answers at once.
    let streams = peer.requests.current_max_send_streams();
    assert!(streams >= 60, "{streams}: thirty rooms, each with a stream and something to say");
    while answers.len() < streams {
        answers.push(ask(if answers.len() % 2 == 0 { "gzip" } else { "identity" }).await);
    }
    let grown = server.resident_bytes().saturating_sub(before);
    peer.connection.abort();
    println!("{streams} streams: {} KiB", grown >> 10);
    assert!(grown < 64 << 20, "{} MB for one connection", grown >> 20);
}

/// Five hundred rooms, each with a long message: a list of half a megabyte.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn lists_of_many_rooms_that_wait_for_a_window_are_two_of_a_user_at_once() {
    let server = Server::start();
    let alice = server.user("alice");
    let mut making = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let alice = alice.clone();
        making.spawn(async move {
            for _ in 0..50 {
                let room = alice.make_room(&[]).await;
                alice.say(room, &"🦀".repeat(4_000)).await;
            }
        });
    }
    making.join_all().await;
    let whole = alice.get("/v1/rooms").await;
    assert!((256 << 10..1 << 20).contains(&whole.body.len()), "{}", whole.body.len());
    // As many that are taken: what making them leaves in the server is not what is looked for.
    for _ in 0..60 {
        alice.get("/v1/rooms").await;
    }
    let before = server.resident_bytes();

    let peer = Windowless::connect(&server, &alice).await;
    let mut answers = vec![];
    for number in 0..60 {
        answers.push(peer.ask("/v1/rooms", if number % 2 == 0 { "identity" } else { "gzip" }).await);
    }
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses[..2], [200, 200]);
    assert!(statuses[2..].iter().all(|status| *status == 429), "{statuses:?}");
    assert_eq!(answers[2].headers()["retry-after"], "2");
    let grown = server.resident_bytes().saturating_sub(before);
    // Sixty of them would be twice as much.
    assert!(grown < 24 << 20, "{} MB for one connection", grown >> 20);
    // Who is known to have it is told so, and others have lists of their own.
    let known =
        alice.request(reqwest::Method::GET, "/v1/rooms").header("if-none-match", whole.header("etag"));
    assert_eq!(crate::common::send(known).await.status, 304);
    assert_eq!(server.user("bob").get("/v1/rooms").await.status, 200);

    // With the connection go the answers, and with them their places.
    drop(answers);
    peer.connection.abort();
    let waited = std::time::Instant::now();
    while alice.get("/v1/rooms").await.status != 200 {
        assert!(waited.elapsed() < crate::common::DEADLINE, "the places are lost");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
