//! The read marker: forward only, and what is left to read.

use crate::common::{Answer, Server, database};
use chat_protocol::{ErrorCode, ReadMarker};
use reqwest::Method;
use serde_json::json;

#[track_caller]
fn at(answer: &Answer) -> (i64, i64) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let marker: ReadMarker = answer.json();
    (marker.id.get(), marker.unread)
}

#[tokio::test]
async fn reading_moves_the_marker_forward_and_leaves_what_others_said_since() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let summary = async || bob.rooms().await.rooms.remove(0);
    for text in ["1", "2", "3", "4", "5"] {
        alice.say(room, text).await;
    }
    bob.say(room, "6").await;
    let before = summary().await;
    assert_eq!((before.read_marker, before.unread), (None, 5));
    assert_eq!(at(&bob.mark(room, 2).await), (2, 3));
    let after = summary().await;
    assert_eq!((after.read_marker.map(|id| id.get()), after.unread), (Some(2), 3));
    // Another device, behind this one.
    assert_eq!(at(&bob.mark(room, 1).await), (2, 3));
    assert_eq!(at(&bob.mark(room, 2).await), (2, 3));
    assert_eq!(at(&bob.mark(room, 6).await), (6, 0));
    assert_eq!(summary().await.unread, 0);
    assert_eq!(at(&alice.mark(room, 1).await), (1, 1), "everybody has a marker of their own");
    alice.say(room, "7").await;
    assert_eq!(at(&bob.mark(room, 3).await), (6, 1));
}

#[tokio::test]
async fn a_deleted_message_is_not_unread_and_an_edited_one_is_not_unread_again() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    for text in ["1", "2", "3"] {
        alice.say(room, text).await;
    }
    assert_eq!(at(&bob.mark(room, 1).await), (1, 2));
    alice.edit(room, 1, "eins").await;
    alice.edit(room, 2, "zwei").await;
    assert_eq!(at(&bob.mark(room, 1).await), (1, 2));
    alice.erase(room, 3).await;
    assert_eq!(at(&bob.mark(room, 1).await), (1, 1));
    assert_eq!(bob.rooms().await.rooms[0].unread, 1);
    assert_eq!(at(&bob.mark(room, 3).await), (3, 0), "a tombstone can be the last thing read");
}

#[tokio::test]
async fn a_marker_beyond_the_room_is_refused_and_stays_where_it_was() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    alice.mark(room, 1).await.is(ErrorCode::Invalid);
    alice.say(room, "1").await;
    assert_eq!(at(&alice.mark(room, 1).await), (1, 0));
    for id in [2, i64::MAX, 0, -1] {
        alice.mark(room, id).await.is(ErrorCode::Invalid);
    }
    let path = format!("/v1/rooms/{room}/read");
    for body in [json!({}), json!({ "id": "1" }), json!({ "id": 1, "until": 2 })] {
        crate::common::send(alice.request(Method::PUT, &path).json(&body)).await.is(ErrorCode::Invalid);
    }
    assert_eq!(alice.rooms().await.rooms[0].read_marker.map(|id| id.get()), Some(1));
}

#[tokio::test]
async fn only_a_member_has_a_marker_and_a_newcomers_stands_at_the_newest_message() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&[]).await;
    for text in ["1", "2"] {
        alice.say(room, text).await;
    }
    bob.mark(room, 1).await.is(ErrorCode::NotAMember);
    bob.mark("99".parse().unwrap(), 1).await.is(ErrorCode::RoomNotFound);
    assert_eq!(alice.put(&format!("/v1/rooms/{room}/members/bob")).await.status, 204);
    assert_eq!(bob.rooms().await.rooms[0].read_marker.map(|id| id.get()), Some(2));
    assert_eq!(at(&bob.mark(room, 1).await), (2, 0));
}

#[tokio::test]
async fn a_marker_is_kept_over_a_restart() {
    let (database, _folder) = database();
    let server = Server::start_on(&database, &[]);
    let room = server.user("alice").make_room(&["bob"]).await;
    for text in ["1", "2"] {
        server.user("alice").say(room, text).await;
    }
    assert_eq!(at(&server.user("bob").mark(room, 1).await), (1, 1));
    server.kill();
    let server = Server::start_on(&database, &[]);
    let summary = server.user("bob").rooms().await.rooms.remove(0);
    assert_eq!((summary.read_marker.map(|id| id.get()), summary.unread), (Some(1), 1));
}
