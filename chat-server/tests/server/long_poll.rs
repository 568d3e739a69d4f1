//! Polls that are held: answered when something happens, or when the time is up.

use crate::common::{Answer, Api, DEADLINE, LONG_DRAIN, Server, key};
use chat_protocol::{ErrorCode, Page, RoomId};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};

/// A poll under way. Another try, when the place was taken by whoever looked whether it is.
fn hold(api: &Api, room: RoomId, query: &str) -> JoinHandle<Answer> {
    let (api, query) = (api.clone(), query.to_owned());
    tokio::spawn(async move {
        loop {
            let answer = api.ask(room, &query).await;
            if !matches!(answer.status.as_u16(), 429 | 503) {
                return answer;
            }
        }
    })
}

/// The same from a bare socket, waited for.
async fn hold_bare(server: &Server, api: &Api, room: RoomId) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let token = api.token.clone().unwrap();
    let request = format!(
        "GET /v1/rooms/{room}/messages?after=0&wait=55 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while !is_held(api, room).await {
        assert!(Instant::now() < deadline, "it is not held");
        socket.set_nonblocking(true).unwrap();
        let refused = socket.read(&mut [0; 1_000]).is_ok();
        socket.set_nonblocking(false).unwrap();
        if refused {
            socket.write_all(request.as_bytes()).unwrap();
        }
    }
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Whether no place is left for `api` in the room. A place is taken before the cursor is looked at, and
/// this one is refused for its cursor.
async fn is_held(api: &Api, room: RoomId) -> bool {
    matches!(api.ask(room, "?after=999999&wait=1").await.status.as_u16(), 429 | 503)
}

async fn until_held(api: &Api, room: RoomId) {
    let deadline = Instant::now() + DEADLINE;
    while !is_held(api, room).await {
        assert!(Instant::now() < deadline, "nobody is held");
    }
}

/// A server on which a user has one place in a room, so that the second tells that the first is held.
async fn with_one_place(options: &[&str]) -> (Server, Api, Api, RoomId) {
    let server = Server::start_with(&[&["--max-user-listeners", "1"], options].concat());
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    (server, alice, bob, room)
}

#[tokio::test]
async fn what_is_new_already_is_answered_at_once_and_as_any_poll_is() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    for _ in 0..3 {
        alice.say(room, "hi").await;
    }
    let asked = Instant::now();
    let held = alice.ask(room, "?after=1&limit=1&wait=30").await;
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert_eq!(held.header("content-type"), "application/json");
    assert!(!held.headers.contains_key("chat-jitter"));
    assert_eq!(held.json::<Page>(), alice.page(room, "?after=1&limit=1").await);
    assert!(held.json::<Page>().has_more);
}

#[tokio::test]
async fn a_held_poll_is_answered_when_somebody_speaks_edits_or_deletes() {
    let (_server, alice, bob, room) = with_one_place(&[]).await;
    for (after, change) in ["say", "edit", "delete"].into_iter().enumerate() {
        let held = hold(&bob, room, &format!("?after={after}&wait=30"));
        until_held(&bob, room).await;
        let changed = match change {
            "say" => alice.say_as(room, &key(), "hi").await,
            "edit" => alice.edit(room, 1, "ho").await,
            _ => alice.erase(room, 1).await,
        };
        assert!(changed.status.is_success());
        let page: Page = held.await.unwrap().json();
        assert_eq!((page.cursor.get(), page.messages.len(), page.has_more), (after as i64 + 1, 1, false));
        let message = &page.messages[0];
        let expected = [("hi", false), ("ho", false), ("", true)][after];
        assert_eq!((message.text.as_str(), message.deleted), expected);
        assert_eq!(message.transaction_id, None);
    }
}

#[tokio::test]
async fn the_senders_own_held_poll_is_told_the_key() {
    let (_server, alice, _bob, room) = with_one_place(&[]).await;
    let held = hold(&alice, room, "?after=0&wait=30");
    until_held(&alice, room).await;
    alice.say_as(room, "the-key", "hi").await;
    let page: Page = held.await.unwrap().json();
    assert_eq!(page.messages[0].transaction_id.as_ref().unwrap().as_str(), "the-key");
}

#[tokio::test]
async fn when_the_time_is_up_there_is_nothing_new_and_more_than_the_servers_bound_is_shortened() {
    let server = Server::start_with(&["--max-wait", "5", "--poll-interval", "7"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut waits = JoinSet::new();
    for (wait, least) in [("1", 1), ("55", 5), ("86400", 5), ("99999999999999999999999", 5)] {
        let alice = alice.clone();
        waits.spawn(async move {
            let asked = Instant::now();
            let answer = alice.ask(room, &format!("?after=0&wait={wait}")).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{wait}");
            assert_eq!(answer.header("chat-poll-interval"), "7");
            let (held, least) = (asked.elapsed(), Duration::from_secs(least));
            assert!(held >= least && held < least + Duration::from_secs(20), "{wait}: {held:?}");
        });
    }
    waits.join_all().await;
    assert_eq!(alice.ask(room, "?after=0&wait=0").await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_held_is_refused_at_once() {
    let server = Server::start();
    let (alice, carol) = (server.user("alice"), server.user("carol"));
    let room = alice.make_room(&[]).await;
    for query in [
        "?wait=1",
        "?before=1&wait=1",
        "?after=0&wait=",
        "?after=0&wait=-1",
        "?after=0&wait=+1",
        "?after=0&wait=1.5",
        "?after=0&wait=1s",
        "?after=0&wait=1&wait=1",
        "?after=x&wait=1",
    ] {
        alice.ask(room, query).await.is(ErrorCode::BadRequest);
    }
    alice.ask(room, "?after=1&wait=30").await.is(ErrorCode::CursorAhead);
    carol.ask(room, "?after=0&wait=30").await.is(ErrorCode::NotAMember);
    alice.get("/v1/rooms/99/messages?after=0&wait=30").await.is(ErrorCode::RoomNotFound);
}

#[tokio::test]
async fn who_is_taken_out_while_waiting_is_told_so() {
    let (_server, alice, bob, room) = with_one_place(&[]).await;
    let held = hold(&bob, room, "?after=0&wait=30");
    until_held(&bob, room).await;
    assert_eq!(alice.delete(&format!("/v1/rooms/{room}/members/bob")).await.status, 204);
    held.await.unwrap().is(ErrorCode::NotAMember);
}

#[tokio::test]
async fn a_token_that_expires_while_waiting_is_told_so() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    // Long enough to be let in with, and not as long as it is held.
    let short = server.with_token(Some(crate::common::token_for("alice", Duration::from_secs(6))));
    short.ask(room, "?after=0&wait=30").await.is(ErrorCode::TokenExpired);
}

#[tokio::test]
async fn waiters_are_bounded_per_user_per_room_and_in_all_and_told_when_to_come_back() {
    let server = Server::start_with(&[
        "--max-user-listeners",
        "1",
        "--max-room-listeners",
        "2",
        "--max-listeners",
        "3",
    ]);
    let users = ["alice", "bob", "carol", "dave"].map(|name| server.user(name));
    let room = users[0].make_room(&["bob", "carol", "dave"]).await;
    let other = users[0].make_room(&["bob", "carol", "dave"]).await;
    let refused = |answer: Answer, code| {
        answer.is(code);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    };
    let _alice = hold(&users[0], room, "?after=0&wait=30");
    until_held(&users[0], room).await;
    refused(users[0].ask(room, "?after=0&wait=1").await, ErrorCode::RateLimited);
    let _bob = hold(&users[1], room, "?after=0&wait=30");
    until_held(&users[1], room).await;
    refused(users[2].ask(room, "?after=0&wait=1").await, ErrorCode::Unavailable);
    let _carol = hold(&users[2], other, "?after=0&wait=30");
    until_held(&users[2], other).await;
    refused(users[3].ask(other, "?after=0&wait=1").await, ErrorCode::Unavailable);
    // Polling and sending go on.
    assert_eq!(users[3].ask(other, "?after=0").await.status, 204);
    users[3].say(other, "hi").await;
}

#[tokio::test]
async fn a_user_cannot_fill_the_server_by_making_rooms() {
    let server = Server::start_with(&["--max-user-listeners-in-all", "1"]);
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let (room, other) = (alice.make_room(&["bob"]).await, alice.make_room(&["bob"]).await);
    let _held = hold(&alice, room, "?after=0&wait=30");
    until_held(&alice, room).await;
    let refused = alice.ask(other, "?after=0&wait=1").await;
    refused.is(ErrorCode::RateLimited);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(bob.ask(other, "?after=0&wait=1").await.status, 204);
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_place_back_at_once() {
    let (server, alice, _bob, room) = with_one_place(&["--max-wait", "55"]).await;
    let socket = hold_bare(&server, &alice, room).await;
    socket.shutdown(Shutdown::Both).unwrap();
    let gone = Instant::now();
    while is_held(&alice, room).await {
        assert!(gone.elapsed() < DEADLINE, "the place is still taken");
    }
}

#[tokio::test]
async fn those_answered_together_are_asked_to_come_back_spread_out() {
    let (_server, alice, bob, room) = with_one_place(&[]).await;
    let deadline = Instant::now() + DEADLINE;
    for after in 0.. {
        let query = format!("?after={after}&wait=30");
        let held = [hold(&alice, room, &query), hold(&bob, room, &query)];
        until_held(&alice, room).await;
        until_held(&bob, room).await;
        alice.say(room, "hi").await;
        let mut jitters = Vec::new();
        for answer in held {
            jitters.push(answer.await.unwrap().headers.get("chat-jitter").cloned());
        }
        match &jitters[..] {
            // Who has a place may still be reading what was missed, and finds the message there: each was
            // answered alone.
            [None, None] => assert!(Instant::now() < deadline, "never answered together"),
            [Some(one), Some(other)] => {
                assert_eq!([one, other], ["2", "2"], "a millisecond for each");
                break;
            }
            _ => panic!("one was answered alone, the other not: {jitters:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_answers_whoever_waits_and_closes() {
    let (server, alice, _bob, room) =
        with_one_place(&[&LONG_DRAIN[..], &["--max-wait", "55"]].concat()).await;
    let mut socket = hold_bare(&server, &alice, room).await;
    assert_eq!(server.stop().status.code(), Some(0), "the drain waited for nobody");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 ") && answer.contains("connection: close"), "{answer}");
}
