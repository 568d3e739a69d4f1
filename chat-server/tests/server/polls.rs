//! What is asked over and over: answered in few bytes, and less often if the server likes.

use crate::common::{Answer, Api, Server, client, key, send};
use reqwest::Method;
use std::io::{Read, Write};
use std::net::TcpStream;

async fn rooms_unless(api: &Api, tags: &[&str]) -> Answer {
    let request = api.request(Method::GET, "/v1/rooms");
    send(tags.iter().fold(request, |request, tag| request.header("If-None-Match", *tag))).await
}

#[tokio::test]
async fn rooms_that_have_not_changed_are_not_sent_again() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let first = alice.get("/v1/rooms").await;
    let tag = first.header("etag");
    assert!(first.status == 200 && tag.len() > 10 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for known in [tag, &format!("W/{tag}"), &format!("\"a,b\", {tag}"), "*"] {
        let answer = rooms_unless(&alice, &[known]).await;
        assert_eq!((answer.status.as_u16(), answer.body.len(), answer.header("etag")), (304, 0, tag));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(rooms_unless(&alice, &["\"other\"", tag]).await.status, 304);
    for unknown in ["\"other\"", tag.trim_matches('"'), "", "W/"] {
        let answer = rooms_unless(&alice, &[unknown]).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &first.body), "{unknown}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(rooms_unless(&bob, &[tag]).await.status, 304, "bob's list is the same to the byte");
    // Whatever a list shows changes its tag.
    let mut tags = vec![tag.to_owned()];
    bob.say(room, "hi").await;
    for change in ["said", "edited", "read", "deleted", "joined"] {
        match change {
            "edited" => assert_eq!(bob.edit(room, 1, "hello").await.status, 200),
            "read" => assert_eq!(alice.mark(room, 1).await.status, 200),
            "deleted" => assert_eq!(bob.erase(room, 1).await.status, 200),
            "joined" => drop(alice.make_room(&[]).await),
            _ => {}
        }
        let answer = rooms_unless(&alice, &[tags.last().unwrap()]).await;
        assert_eq!(answer.status, 200, "{change}");
        assert!(!tags.contains(&answer.header("etag").to_owned()), "{change}");
        tags.push(answer.header("etag").to_owned());
    }
}

#[tokio::test]
async fn a_304_is_a_head_and_not_a_byte_more() {
    let server = Server::start();
    let alice = server.user("alice");
    let tag = alice.get("/v1/rooms").await.header("etag").to_owned();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    write!(
        socket,
        "GET /v1/rooms HTTP/1.1\r\nhost: x\r\nconnection: close\r\nif-none-match: {tag}\r\nauthorization: Bearer {}\r\n\r\n",
        alice.token.unwrap()
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 304 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n") && answer.matches("\r\n\r\n").count() == 1, "{answer}");
    assert!(!answer.contains("content-"), "{answer}");
}

#[tokio::test]
async fn the_tag_of_a_compressed_list_is_weak_and_still_known() {
    let server = Server::start();
    let alice = server.user("alice");
    for _ in 0..20 {
        alice.make_room(&[]).await;
    }
    // A client that shows the encoding instead of undoing it.
    let alice = Api { http: client(|builder| builder.no_gzip()), ..alice };
    let plain = alice.get("/v1/rooms").await;
    let zipped = send(alice.request(Method::GET, "/v1/rooms").header("accept-encoding", "gzip")).await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert_eq!(zipped.header("etag"), format!("W/{}", plain.header("etag")), "other bytes, same rooms");
    assert_eq!(rooms_unless(&alice, &[zipped.header("etag")]).await.status, 304);
}

#[tokio::test]
async fn a_wish_for_the_interval_comes_with_every_answer_to_a_poll_and_no_other() {
    let server = Server::start_with(&["--poll-interval", "7"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let wish = |answer: &Answer| (answer.status.as_u16(), answer.header("chat-poll-interval").to_owned());
    let asked = |status: u16| (status, "7".to_owned());
    let silent = |status: u16| (status, String::new());
    let said = alice.say_as(room, &key(), "hi").await;
    assert_eq!(wish(&said), silent(201));
    assert_eq!(wish(&alice.ask(room, "?after=0").await), asked(200));
    assert_eq!(wish(&alice.ask(room, "?after=1").await), asked(204));
    assert_eq!(wish(&alice.ask(room, "?after=2").await), silent(409));
    for history in ["", "?before=2"] {
        assert_eq!(wish(&alice.ask(room, history).await), silent(200));
    }
    let rooms = alice.get("/v1/rooms").await;
    assert_eq!(wish(&rooms), asked(200));
    assert_eq!(wish(&rooms_unless(&alice, &[rooms.header("etag")]).await), asked(304));
    assert_eq!(wish(&alice.edit(room, 1, "ho").await), silent(200));
    assert_eq!(wish(&alice.mark(room, 1).await), silent(200));
}

#[tokio::test]
async fn without_a_wish_nothing_is_said_about_the_interval() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    for path in ["/v1/rooms", &format!("/v1/rooms/{room}/messages?after=0")] {
        assert!(!alice.get(path).await.headers.contains_key("chat-poll-interval"), "{path}");
    }
}
