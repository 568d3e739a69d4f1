//! Rooms and members.

use crate::common::{Server, ids, send};
use chat_protocol::{ErrorCode, Message, Room};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_room_has_its_creator_and_everybody_named_once_each() {
    let server = Server::start();
    let alice = server.user("alice");
    let answer = alice
        .post("/v1/rooms", json!({ "title": " 점심 ", "members": ["bob", "민수", "bob", "alice"] }))
        .await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (201, "no-store"));
    let room: Room = answer.json();
    let members: Vec<_> = room.members.iter().map(ToString::to_string).collect();
    assert_eq!((room.id.get(), room.title.as_str()), (1, "점심"));
    assert_eq!(members, ["alice", "bob", "민수"]);
    assert_eq!(alice.make_room(&[]).await.get(), 2);
}

#[tokio::test]
async fn a_room_whose_answer_was_lost_is_asked_for_again_by_its_key() {
    let server = Server::start();
    let alice = server.user("alice");
    let ask = |key: &str, title: &str| {
        let request = alice.request(Method::POST, "/v1/rooms").header("Idempotency-Key", key);
        send(request.json(&json!({ "title": title, "members": ["bob"] })))
    };
    let first = ask("k", "Lunch").await;
    let again = ask("k", "Lunch").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json::<Room>(), again.json::<Room>());
    ask("k", "Dinner").await.is(ErrorCode::IdempotencyKeyReused);
    ask("no key", "Lunch").await.is(ErrorCode::BadRequest);
    assert_eq!(alice.rooms().await.rooms.len(), 1);
}

#[tokio::test]
async fn a_title_says_something_within_bounds() {
    let server = Server::start();
    let alice = server.user("alice");
    let longest = "가".repeat(200);
    assert_eq!(alice.post("/v1/rooms", json!({ "title": longest })).await.status, 201);
    for title in ["", "\u{3000} ", "a\u{0}b", "two\nlines", &format!("{longest}가")] {
        alice.post("/v1/rooms", json!({ "title": title })).await.is(ErrorCode::Invalid);
    }
    let crowd: Vec<_> = (0..1_001).map(|n| format!("user{n}")).collect();
    alice.post("/v1/rooms", json!({ "title": "t", "members": crowd })).await.is(ErrorCode::Invalid);
    alice.post("/v1/rooms", json!({ "title": "t", "members": crowd[1..] })).await.json::<Room>();
    alice.post("/v1/rooms", json!({ "title": "t", "members": ["a b"] })).await.is(ErrorCode::Invalid);
}

#[tokio::test]
async fn the_list_has_how_a_long_message_begins_and_the_room_has_the_whole() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let listed = async || alice.rooms().await.rooms[0].last_message.clone().unwrap();
    let (fits, long) = ("🦀".repeat(200), "🦀".repeat(4_000));
    alice.say(room, &fits).await;
    assert_eq!(listed().await.text, fits);
    let said = alice.say(room, &long).await;
    assert_eq!(listed().await, Message { text: format!("{fits}…"), ..said });
    assert_eq!(alice.page(room, "").await.messages[1].text, long);
}

#[tokio::test]
async fn the_list_has_ones_own_rooms_with_the_last_message_and_what_is_unread() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let shared = alice.make_room(&["bob"]).await;
    let quiet = alice.make_room(&["bob"]).await;
    alice.make_room(&[]).await;
    for text in ["one", "two"] {
        alice.say(shared, text).await;
    }
    bob.say(shared, "three").await;

    let rooms = bob.rooms().await.rooms;
    assert_eq!(rooms.iter().map(|room| room.id).collect::<Vec<_>>(), [shared, quiet]);
    let last = rooms[0].last_message.as_ref().unwrap();
    assert_eq!((last.id.get(), last.text.as_str(), rooms[0].unread), (3, "three", 2));
    assert!(last.transaction_id.is_some(), "bob wrote it");
    assert_eq!((rooms[1].last_message.as_ref(), rooms[1].unread), (None, 0));

    let rooms = alice.rooms().await.rooms;
    assert_eq!((rooms.len(), rooms[0].unread), (3, 1));
    assert_eq!(rooms[0].last_message.as_ref().unwrap().transaction_id, None, "the key is bob's");
    assert!(server.user("eve").rooms().await.rooms.is_empty());
}

#[tokio::test]
async fn a_newcomer_reads_the_history_and_has_nothing_unread() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&[]).await;
    alice.say(room, "before").await;
    bob.ask(room, "").await.is(ErrorCode::NotAMember);
    assert_eq!(alice.put(&format!("/v1/rooms/{room}/members/bob")).await.status, 204);
    assert_eq!(ids(&bob.page(room, "").await), [1]);
    assert_eq!(bob.rooms().await.rooms[0].unread, 0);
    alice.say(room, "after").await;
    assert_eq!(bob.rooms().await.rooms[0].unread, 1);
}

#[tokio::test]
async fn letting_in_or_out_twice_is_the_same_as_once() {
    let server = Server::start();
    let (alice, minsu) = (server.user("alice"), server.user("민수"));
    let room = alice.make_room(&[]).await;
    let member = format!("/v1/rooms/{room}/members/%EB%AF%BC%EC%88%98");
    for _ in 0..2 {
        let answer = alice.put(&member).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    }
    minsu.say(room, "hi").await;
    for _ in 0..2 {
        assert_eq!(minsu.delete(&member).await.status, 204, "one may leave, and leave again");
        assert_eq!(alice.delete(&member).await.status, 204);
    }
    assert!(minsu.rooms().await.rooms.is_empty());
}

#[tokio::test]
async fn whoever_is_removed_is_refused_at_once() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    assert_eq!(bob.say_as(room, "k", "hi").await.status, 201);
    assert_eq!(alice.delete(&format!("/v1/rooms/{room}/members/bob")).await.status, 204);
    bob.say_as(room, "k2", "still here?").await.is(ErrorCode::NotAMember);
    bob.say_as(room, "k", "hi").await.is(ErrorCode::NotAMember);
    bob.ask(room, "?after=0").await.is(ErrorCode::NotAMember);
    bob.put(&format!("/v1/rooms/{room}/members/bob")).await.is(ErrorCode::NotAMember);
    assert_eq!(alice.page(room, "").await.messages.len(), 1);
}

#[tokio::test]
async fn a_stranger_can_do_nothing_in_a_room_and_nobody_in_one_that_is_not_there() {
    let server = Server::start();
    let (alice, eve) = (server.user("alice"), server.user("eve"));
    let room = alice.make_room(&[]).await;
    let nowhere = "99".parse().unwrap();
    for (who, room, code) in [(&eve, room, ErrorCode::NotAMember), (&alice, nowhere, ErrorCode::RoomNotFound)]
    {
        who.ask(room, "").await.is(code);
        who.ask(room, "?after=0").await.is(code);
        who.say_as(room, "k", "hi").await.is(code);
        who.put(&format!("/v1/rooms/{room}/members/eve")).await.is(code);
        who.delete(&format!("/v1/rooms/{room}/members/alice")).await.is(code);
    }
}
