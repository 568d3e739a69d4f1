//! Peers of HTTP/2 that open no window: what they asked for waits for them, and there is a bound to it.

use crate::common::{Server, say_at_once};
use axum::http::Request;
use h2::client::Builder;
use tokio::net::TcpStream;

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

    let tcp = TcpStream::connect(server.address()).await.unwrap();
    let (requests, connection) =
        Builder::new().initial_window_size(0).handshake::<_, &[u8]>(tcp).await.unwrap();
    let connection = tokio::spawn(connection);
    let ask = async |encoding: &str| {
        let request = Request::get(format!("http://x/v1/rooms/{room}/messages?after=0&limit=500"))
            .header("authorization", format!("Bearer {}", alice.token.as_ref().unwrap()))
            .header("accept-encoding", encoding);
        let mut requests = requests.clone().ready().await.unwrap();
        let answer = requests.send_request(request.body(()).unwrap(), true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), 200);
        answer
    };
    let mut answers = vec![ask("identity").await];
    // By now the server has said how many it answers at once.
    let streams = requests.current_max_send_streams();
    assert!(streams >= 60, "{streams}: thirty rooms, each with a stream and something to say");
    while answers.len() < streams {
        answers.push(ask(if answers.len() % 2 == 0 { "gzip" } else { "identity" }).await);
    }
    let grown = server.resident_bytes().saturating_sub(before);
    connection.abort();
    println!("{streams} streams: {} KiB", grown >> 10);
    assert!(grown < 64 << 20, "{} MB for one connection", grown >> 20);
}
