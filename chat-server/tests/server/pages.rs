//! Reading: forwards by cursor, backwards by id, and every question that is none.

use crate::common::{Api, Server, client, ids, say_at_once, send};
use chat_protocol::{ErrorCode, Page, RoomId};
use reqwest::Method;
use std::io::{Read, Write};
use std::net::TcpStream;

async fn room_of(server: &Server, messages: usize) -> (Api, RoomId) {
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    for n in 0..messages {
        alice.say(room, &format!("message {n}")).await;
    }
    (alice, room)
}

#[tokio::test]
async fn nothing_new_is_a_204_and_not_a_byte_after_its_head() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 1).await;
    let mut socket = TcpStream::connect(server.address()).unwrap();
    write!(
        socket,
        "GET /v1/rooms/{room}/messages?after=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        alice.token.unwrap()
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n") && answer.matches("\r\n\r\n").count() == 1, "{answer}");
    assert!(!answer.contains("content-"), "{answer}");
    assert!(answer.contains("cache-control: no-store"), "{answer}");
}

#[tokio::test]
async fn after_goes_forward_page_by_page_until_nothing_is_left() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 5).await;
    let page = alice.page(room, "?after=0&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![1, 2], 2, true));
    let page = alice.page(room, "?after=2&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![3, 4], 4, true));
    let page = alice.page(room, "?after=4&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![5], 5, false));
    let page = alice.page(room, "?limit=5&after=0").await;
    assert!(!page.has_more, "exactly full is not more");
    assert_eq!(alice.ask(room, "?after=5").await.status, 204);
    alice.ask(room, "?after=6").await.is(ErrorCode::CursorAhead);
    assert_eq!(
        alice.ask(room, "?after=5&wait=20&colour=blue").await.status,
        204,
        "unknown names are ignored"
    );
}

#[tokio::test]
async fn without_a_place_the_newest_page_comes_with_the_rooms_cursor() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 5).await;
    let page = alice.page(room, "?limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![4, 5], 5, true));
    let page = alice.page(room, "").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![1, 2, 3, 4, 5], 5, false));
}

#[tokio::test]
async fn before_goes_back_and_says_when_the_beginning_is_reached() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 5).await;
    let page = alice.page(room, "?before=4&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![2, 3], 5, true));
    let page = alice.page(room, "?before=2&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![1], 5, false));
    let page = alice.page(room, "?before=1").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![], 5, false));
    assert_eq!(ids(&alice.page(room, &format!("?before={}&limit=1", i64::MAX)).await), [5]);
}

#[tokio::test]
async fn an_empty_room_is_an_empty_page_at_cursor_0() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 0).await;
    let answer = alice.ask(room, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(String::from_utf8(answer.body).unwrap(), r#"{"messages":[],"cursor":0,"has_more":false}"#);
    assert_eq!(alice.ask(room, "?after=0").await.status, 204);
    alice.ask(room, "?after=1").await.is(ErrorCode::CursorAhead);
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_refused_with_a_reason() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 1).await;
    for query in [
        "?after=0&before=1",
        "?after=-1",
        "?after=x",
        "?after=",
        "?after=%2B1",
        "?after=1.0",
        "?after=9223372036854775808",
        "?before=0",
        "?before=-1",
        "?before=x",
        "?limit=0",
        "?limit=501",
        "?limit=-1",
        "?limit=%2B5",
        "?limit=x",
        "?limit=",
        "?after=0&after=0",
        "?limit=1&limit=1",
    ] {
        let problem = alice.ask(room, query).await.is(ErrorCode::BadRequest);
        assert!(problem.detail.is_some_and(|detail| !detail.is_empty()), "{query}");
    }
    for limit in [1, 500] {
        assert_eq!(alice.page(room, &format!("?limit={limit}")).await.messages.len(), 1);
    }
}

#[tokio::test]
async fn the_default_page_has_100_messages_and_500_fit_when_asked_for() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    say_at_once(&alice, room, 101, "hello").await;
    assert_eq!(alice.page(room, "").await.messages.len(), 100);
    assert_eq!(alice.page(room, "?after=0").await.messages.len(), 100);
    assert_eq!(alice.page(room, "?after=0&limit=500").await.messages.len(), 101);
}

#[tokio::test]
async fn a_page_of_long_messages_is_cut_short_and_loses_nothing_by_it() {
    const PAGE_BYTES: usize = 256 << 10;
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    // 24 KB each in JSON: 500 of them are 12 MB.
    say_at_once(&alice, room, 500, &format!("a{}a", "\u{1}".repeat(3_998))).await;
    let (mut cursor, mut forward) = (0, Vec::new());
    loop {
        let answer = alice.ask(room, &format!("?after={cursor}&limit=500")).await;
        assert!(answer.body.len() <= PAGE_BYTES, "{} bytes", answer.body.len());
        let page: Page = answer.json();
        cursor = page.cursor.get();
        forward.extend(ids(&page));
        if !page.has_more {
            break;
        }
    }
    assert_eq!(forward, (1..=500).collect::<Vec<_>>());
    let newest = alice.ask(room, "?limit=500").await;
    assert!(newest.body.len() <= PAGE_BYTES);
    let newest: Page = newest.json();
    assert!(newest.has_more && newest.messages.last().unwrap().id.get() == 500);
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_whoever_takes_gzip() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 20).await;
    // A client that shows the encoding instead of undoing it.
    let http = client(|builder| builder.no_gzip());
    let alice = Api { http, ..alice };
    let ask = |query: &str| alice.request(Method::GET, &format!("/v1/rooms/{room}/messages{query}"));
    let long = send(ask("").header("accept-encoding", "gzip")).await;
    assert_eq!((long.header("content-encoding"), &long.body[..2]), ("gzip", &[0x1f, 0x8b][..]));
    let plain = send(ask("")).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert!(long.body.len() * 3 < plain.body.len(), "{} of {}", long.body.len(), plain.body.len());
    let short = send(ask("?limit=1").header("accept-encoding", "gzip")).await;
    assert_eq!(short.header("content-encoding"), "");
}

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let server = Server::start();
    let (alice, room) = room_of(&server, 1).await;
    let alice = Api { http: client(|builder| builder.http2_prior_knowledge()), ..alice };
    let response =
        alice.request(Method::GET, &format!("/v1/rooms/{room}/messages?after=0")).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
}
