//! What holds for everything that is held open: slow readers, and that no transport tells another story.

use crate::common::{DEADLINE, Server};
use crate::sse::Events;
use chat_protocol::Page;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A client that asks for a stream and never reads it.
fn stalled(server: &Server, room: chat_protocol::RoomId, token: &str) -> TcpStream {
    // What its own kernel takes in is as good as read, and that could be all there is.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.connect(&server.address().parse::<SocketAddr>().unwrap().into()).unwrap();
    let mut socket = TcpStream::from(socket);
    write!(
        socket,
        "GET /v1/rooms/{room}/events?after=0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    socket
}

#[tokio::test]
async fn readers_that_stall_cost_a_bounded_memory_and_hold_nobody_up() {
    const STALLED: usize = 60;
    // Six times what a stalled reader's kernels and queue take. More would be said for so long, on a busy machine, that
    // the kernel gives them up first.
    const MESSAGES: usize = 400;
    let server = Server::start_with(&["--max-user-listeners", "200"]);
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let token = bob.token.clone().unwrap();
    let slow: Vec<TcpStream> = (0..STALLED).map(|_| stalled(&server, room, &token)).collect();
    let mut quick = Events::open(&bob, room, 0).await;
    let text = "x".repeat(4_000);
    alice.say(room, &text).await;
    quick.message().await;
    let before = server.resident_bytes();
    // No faster than the quick one reads, who would be a slow one on a busy machine.
    for seq in 2..=MESSAGES {
        alice.say(room, &text).await;
        assert_eq!(quick.message().await.seq.get(), seq as i64);
    }
    // 1.6 MB were said; 95 MB would be held if each of them had its own.
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 30 << 20, "{} MB", grown >> 20);
    // Read at last, a stream ends with the word to come back, and where it was is known.
    let mut late = slow.into_iter().next().unwrap();
    late.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut read = Vec::new();
    late.read_to_end(&mut read).unwrap();
    let read = String::from_utf8(read).unwrap();
    let heard = read.matches("\nid: ").count();
    assert!(heard < MESSAGES, "it was not slow");
    assert!(read.contains("event: end\ndata: ") && read.contains("\"slow_reader\""), "no word after {heard}");
    assert_eq!(
        bob.page(room, &format!("?after={heard}&limit=1")).await.messages[0].seq.get(),
        heard as i64 + 1
    );
    // So does the log of those that never read a word.
    let log = server.stop().stderr;
    assert_eq!(log.matches("end=\"slow_reader\"").count(), STALLED, "{log}");
}

#[tokio::test]
async fn every_transport_tells_the_same_story() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let mut events = Events::open(&bob, room, 0).await;
    let long_polling = tokio::spawn({
        let bob = bob.clone();
        async move {
            let (mut heard, mut cursor) = (Vec::new(), 0);
            while cursor < 120 {
                let page: Page = bob.page(room, &format!("?after={cursor}&limit=3&wait=30")).await;
                cursor = page.cursor.get();
                heard.extend(page.messages);
            }
            heard
        }
    });
    let mut said = Vec::new();
    for n in 1..=30 {
        said.push(alice.say(room, &format!("message {n}")).await);
        let own = bob.say(room, "mine").await;
        said.push(own.clone());
        said.push(bob.edit(room, own.id.get(), "edited").await.json());
        said.push(bob.erase(room, own.id.get()).await.json());
    }
    let mut streamed = Vec::new();
    while streamed.last().is_none_or(|last: &chat_protocol::Message| last.seq.get() < 120) {
        streamed.push(events.message().await);
    }
    let polled = long_polling.await.unwrap();
    // A change that was overtaken by a later one of the same message may be left out, and nothing else.
    let mut whole: Vec<_> = said;
    for message in &mut whole {
        if message.sender.as_str() != "bob" {
            message.transaction_id = None;
        }
    }
    for heard in [&streamed, &polled] {
        assert!(heard.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert!(heard.iter().all(|message| whole.contains(message)));
        let finals = |messages: &[chat_protocol::Message]| {
            let mut last = std::collections::BTreeMap::new();
            for message in messages {
                last.insert(message.id, message.clone());
            }
            last
        };
        assert_eq!(finals(heard), finals(&whole));
    }
}
