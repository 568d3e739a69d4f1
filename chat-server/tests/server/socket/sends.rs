//! Saying something over the socket.

use crate::common::{Server, ids, key};
use chat_protocol::{ErrorCode, ServerFrame};

#[tokio::test]
async fn what_is_said_is_answered_and_heard_by_everybody() {
    let server = Server::start();
    let room = server.user("alice").make_room(&["bob"]).await;
    let (mut alice, mut bob) = (server.socket(room, "alice", 0).await, server.socket(room, "bob", 0).await);
    bob.changes().await;
    alice.say("k-1", "  hello  ").await;
    let [ServerFrame::Sent { transaction_id, message }] = &alice.answers(1).await[..] else { panic!() };
    assert_eq!((transaction_id.as_str(), message.text.as_str(), message.id.get()), ("k-1", "hello", 1));
    assert_eq!(message.transaction_id.as_ref(), Some(transaction_id));
    let heard = &bob.changes().await.0[0];
    assert_eq!((heard.text.as_str(), &heard.transaction_id), ("hello", &None));
}

#[tokio::test]
async fn what_one_peer_says_at_once_is_stored_in_its_order() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let mut socket = server.socket(room, "alice", 0).await;
    let texts: Vec<String> = (0..60).map(|n| format!("number {n}")).collect();
    for text in &texts {
        socket.say(&key(), text).await;
    }
    let mut stored = Vec::new();
    for answer in socket.answers(60).await {
        let ServerFrame::Sent { message, .. } = answer else { panic!("{answer:?}") };
        stored.push((message.id, message.text));
    }
    stored.sort();
    assert_eq!(stored.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), texts);
}

#[tokio::test]
async fn what_was_written_offline_goes_up_one_socket_without_a_close() {
    const WRITTEN: usize = 150;
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let mut socket = server.socket(room, "alice", 0).await;
    // Faster than any network would let an outbox.
    for _ in 0..WRITTEN {
        socket.say(&key(), "written in a tunnel").await;
    }
    let answers = socket.answers(WRITTEN).await;
    assert!(answers.iter().all(|answer| matches!(answer, ServerFrame::Sent { .. })), "{answers:?}");
}

#[tokio::test]
async fn refusals_name_the_message_and_leave_the_connection_open() {
    let server = Server::start();
    let room = server.user("alice").make_room(&[]).await;
    let mut socket = server.socket(room, "alice", 0).await;
    for (key, text, code) in [
        ("blank", " \u{3000} ", Some(ErrorCode::TextBlank)),
        ("long", &"x".repeat(4_001), Some(ErrorCode::TextTooLong)),
        ("nul", "a\0b", Some(ErrorCode::TextInvalid)),
        ("good", "good", None),
        ("good", "another", Some(ErrorCode::IdempotencyKeyReused)),
        ("good", "good", None),
    ] {
        socket.say(key, text).await;
        match (&socket.answers(1).await[..], code) {
            ([ServerFrame::Refused { transaction_id, problem, retry_after }], Some(code)) => {
                assert_eq!((transaction_id.as_str(), problem.code, *retry_after), (key, code, None));
            }
            ([ServerFrame::Sent { transaction_id, message }], None) => {
                assert_eq!((transaction_id.as_str(), message.id.get()), (key, 1));
            }
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn one_key_is_one_message_however_often_and_however_it_comes() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let (mut one, mut other) = (server.socket(room, "alice", 0).await, server.socket(room, "alice", 0).await);
    one.say("once", "said once").await;
    one.say("once", "said once").await;
    other.say("once", "said once").await;
    let mut answers = one.answers(2).await;
    answers.extend(other.answers(1).await);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // The answer was lost with the connection: the client tries by the other way.
    one.say("lost", "lost").await;
    drop(one);
    let posted = alice.say_as(room, "lost", "lost").await;
    assert_eq!(posted.status, 201);
    let posted: chat_protocol::Message = posted.json();
    other.say("lost", "lost").await;
    let [ServerFrame::Sent { message, .. }] = &other.answers(1).await[..] else { panic!() };
    assert_eq!((message.id, &message.text), (posted.id, &posted.text));
    assert_eq!(ids(&alice.page(room, "?after=0").await), [1, 2]);
}
