//! Saying things: exactly once, byte for byte, in order.

use crate::common::{Server, ids, key, send};
use chat_protocol::{ErrorCode, Message};
use reqwest::Method;
use serde_json::json;
use std::collections::HashSet;

#[tokio::test]
async fn what_was_said_comes_back_byte_for_byte() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let longest = "😀가".repeat(2_000);
    let texts = ["안녕하세요 여러분", "👨‍👩‍👧‍👦 🇰🇷", "שלום \u{202e}مرحبا", "tab\tand\nline", "\"\\\u{1}", &longest];
    for text in texts {
        assert_eq!(alice.say(room, text).await.text, text);
    }
    let read = bob.page(room, "?after=0").await;
    assert_eq!(read.messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), texts);
    assert!(
        read.messages.iter().all(|m| m.sender.as_str() == "alice" && !m.deleted && m.edited_at.is_none())
    );
}

#[tokio::test]
async fn text_is_trimmed_and_composed_before_it_is_counted() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    assert_eq!(alice.say(room, "\u{3000}\u{1112}\u{1161}\u{11ab} ").await.text, "한");
    for (text, code) in [
        ("", ErrorCode::TextBlank),
        ("\u{3000}\n", ErrorCode::TextBlank),
        (&"가".repeat(4_001), ErrorCode::TextTooLong),
        ("a\0b", ErrorCode::TextInvalid),
    ] {
        alice.say_as(room, &key(), text).await.is(code);
    }
    assert_eq!(alice.page(room, "").await.messages.len(), 1, "what is refused takes no id");
}

#[tokio::test]
async fn a_replay_gets_the_stored_answer_and_another_text_is_refused() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let first = alice.say_as(room, "k", "once").await;
    alice.say(room, "in between").await;
    let again = alice.say_as(room, "k", " once ").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.body, again.body);
    alice.say_as(room, "k", "twice").await.is(ErrorCode::IdempotencyKeyReused);
    // The key is one user's in one room.
    let other_room = alice.make_room(&[]).await;
    assert_eq!(alice.say_as(other_room, "k", "elsewhere").await.json::<Message>().id.get(), 1);
    assert_eq!(bob.say_as(room, "k", "mine").await.json::<Message>().id.get(), 3);
}

#[tokio::test]
async fn a_message_needs_one_readable_key() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let post =
        || alice.request(Method::POST, &format!("/v1/rooms/{room}/messages")).json(&json!({"text": "hi"}));
    send(post()).await.is(ErrorCode::IdempotencyKeyMissing);
    for key in ["", "two words", &"k".repeat(129), "열쇠"] {
        send(post().header("Idempotency-Key", key)).await.is(ErrorCode::BadRequest);
    }
    send(post().header("Idempotency-Key", "a").header("Idempotency-Key", "b"))
        .await
        .is(ErrorCode::BadRequest);
    assert_eq!(send(post().header("idempotency-key", "k".repeat(128))).await.status, 201);
}

#[tokio::test]
async fn the_key_is_told_to_the_sender_alone() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let sent: Message = alice.say_as(room, "alices-key", "hi").await.json();
    assert_eq!(sent.transaction_id.unwrap().as_str(), "alices-key");
    for query in ["", "?after=0", "?before=2"] {
        let own = alice.page(room, query).await.messages.remove(0);
        assert_eq!(own.transaction_id.unwrap().as_str(), "alices-key");
        let others = bob.ask(room, query).await;
        assert!(!String::from_utf8(others.body).unwrap().contains("transaction_id"));
    }
}

#[tokio::test]
async fn eight_identical_posts_at_once_store_one_message() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let posts: Vec<_> = (0..8)
        .map(|_| {
            let alice = alice.clone();
            tokio::spawn(async move { alice.say_as(room, "same", "once").await })
        })
        .collect();
    let mut bodies = HashSet::new();
    for post in posts {
        let answer = post.await.unwrap();
        assert_eq!(answer.status, 201);
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1, "all are told the same");
    assert_eq!(ids(&alice.page(room, "").await), [1]);
}

#[tokio::test]
async fn a_reader_sees_the_messages_of_sixteen_writers_once_each_in_order() {
    const WRITERS: usize = 16;
    const EACH: usize = 25;
    let server = Server::start();
    let reader = server.user("reader");
    let names: Vec<_> = (0..WRITERS).map(|n| format!("writer{n}")).collect();
    let room = reader.make_room(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let writers: Vec<_> = names
        .iter()
        .map(|name| {
            let writer = server.user(name);
            tokio::spawn(async move {
                for n in 0..EACH {
                    writer.say(room, &format!("{n}")).await;
                }
            })
        })
        .collect();

    let (mut cursor, mut seen) = (0, Vec::new());
    while seen.len() < WRITERS * EACH {
        let answer = reader.ask(room, &format!("?after={cursor}&limit=7")).await;
        if answer.status == 204 {
            tokio::task::yield_now().await;
            continue;
        }
        let page: chat_protocol::Page = answer.json();
        assert_eq!(page.cursor, page.messages.last().unwrap().seq);
        cursor = page.cursor.get();
        seen.extend(page.messages);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let dense: Vec<_> = (1..).take(WRITERS * EACH).collect::<Vec<i64>>();
    assert_eq!(seen.iter().map(|m| m.id.get()).collect::<Vec<_>>(), dense);
    assert_eq!(seen.iter().map(|m| m.seq.get()).collect::<Vec<_>>(), dense);
    for name in &names {
        let said =
            seen.iter().filter(|m| m.sender.as_str() == name).map(|m| m.text.parse::<usize>().unwrap());
        assert!(said.eq(0..EACH), "{name}'s messages keep their order");
    }
    assert_eq!(reader.ask(room, &format!("?after={cursor}")).await.status, 204);
}
