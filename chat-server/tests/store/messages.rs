//! Saying something, once.

use crate::common::{Place, ids, new, on_both, refused};
use chat_protocol::RoomId;
use chat_server::store::PageRequest;

on_both! {
    async fn what_is_said_gets_the_next_id_and_the_next_seq(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        let first = world.say(room, "alice", "a", "one").await;
        let second = world.say(room, "bob", "a", "둘 🙂 \u{1}").await;
        assert_eq!((first.id.get(), first.seq.get(), second.id.get(), second.seq.get()), (1, 1, 2, 2));
        assert_eq!((second.sender.as_str(), second.text.as_str()), ("bob", "둘 🙂 \u{1}"));
        assert!(!second.deleted && second.edited_at.is_none());
        let page = world.after(room, "bob", 0).await.unwrap();
        assert_eq!(page.messages[1], second);
        assert_eq!((page.cursor.get(), page.has_more), (2, false));
    }

    async fn a_replay_finds_what_its_key_has_stored_and_another_text_is_refused(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        let first = world.say(room, "alice", "key", "one").await;
        assert_eq!(world.say(room, "alice", "key", "one").await, first);
        refused(world.store.send(new(room, "alice", "key", "other")).await, "IdempotencyKeyReused");
        // A key belongs to its sender and its room.
        assert_eq!(world.say(room, "bob", "key", "two").await.id.get(), 2);
        assert_eq!(world.say(world.room(&[]).await, "alice", "key", "three").await.id.get(), 1);
        assert_eq!(ids(&world.after(room, "bob", 0).await.unwrap().messages), [1, 2]);
    }

    async fn one_key_sent_many_times_at_once_is_one_message(place: Place) {
        let world = place.open().await;
        let room = world.room(&[]).await;
        let sends: Vec<_> = (0..50)
            .map(|n| {
                let store = world.store.clone();
                // A fifth says something else under the same key.
                let said = if n % 5 == 4 { "other" } else { "same" };
                tokio::spawn(async move { store.send(new(room, "alice", "key", said)).await })
            })
            .collect();
        let mut messages = Vec::new();
        for send in sends {
            match send.await.unwrap() {
                Ok(message) => messages.push(message),
                Err(error) => refused::<()>(Err(error), "IdempotencyKeyReused"),
            }
        }
        assert!(messages.len() >= 10 && messages.iter().all(|message| *message == messages[0]), "{messages:?}");
        assert_eq!(ids(&world.after(room, "alice", 0).await.unwrap().messages), [1]);
    }

    async fn only_a_member_may_say_or_read_anything(place: Place) {
        let world = place.open().await;
        let room = world.room(&[]).await;
        refused(world.store.send(new(room, "eve", "key", "hi")).await, "NotAMember");
        let newest = PageRequest::Newest { limit: 10 };
        refused(world.store.page(room, crate::common::user("eve"), newest).await, "NotAMember");
        let nowhere = RoomId::new(999).unwrap();
        refused(world.store.send(new(nowhere, "alice", "key", "hi")).await, "RoomNotFound");
        refused(world.store.page(nowhere, crate::common::user("alice"), newest).await, "RoomNotFound");
        assert!(world.page(room, "alice", newest).await.unwrap().messages.is_empty());
        assert!(world.told().is_empty());
    }

    async fn everything_is_there_when_it_is_opened_again(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        let first = world.say(room, "alice", "key", "one").await;
        drop(world);
        let world = place.open().await;
        world.store.ping().await.unwrap();
        assert_eq!(world.say(room, "alice", "key", "one").await, first);
        assert_eq!(world.say(room, "bob", "key", "two").await.id.get(), 2);
    }
}
