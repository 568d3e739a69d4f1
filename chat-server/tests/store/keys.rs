//! Idempotency keys expire; messages do not.

use crate::common::{Place, id, new, on_both, text, user};
use chat_protocol::TransactionId;
use chat_server::store::{NewRoom, Options, StoreError};
use chat_testkit::DEADLINE;
use std::time::{Duration, Instant};

fn keeping(keep: Duration) -> Options {
    Options { keep_keys: Some(keep), ..Options::default() }
}

on_both! {
    async fn a_key_is_known_until_it_expires_and_the_message_stays(place: Place) {
        let long = place.open().await;
        let room = long.room(&["bob"]).await;
        // More than one batch of them.
        let sends: Vec<_> = (0..1_001)
            .map(|n| {
                let store = long.store.clone();
                tokio::spawn(async move { store.send(new(room, "alice", &format!("k{n}"), "hi")).await.unwrap() })
            })
            .collect();
        for send in sends {
            send.await.unwrap();
        }
        long.store.edit(room, id(700), user("alice"), text("ho")).await.unwrap();
        assert!(long.say(room, "alice", "k5", "hi").await.id.get() <= 1_001, "a replay");
        long.told();

        let short = place.open_with(keeping(Duration::from_millis(1))).await;
        // Two nodes may do it at once.
        let other = place.open_with(keeping(Duration::from_millis(1))).await;
        let begun = Instant::now();
        loop {
            let mut keys = 0;
            for cursor in [0, 300, 600, 900] {
                let page = short.after(room, "alice", cursor).await.unwrap();
                keys += page.messages.iter().filter(|message| message.transaction_id.is_some()).count();
            }
            if keys == 0 {
                break;
            }
            assert!(begun.elapsed() < DEADLINE, "{keys} keys are left");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Nothing else about the messages has changed, and nobody was told of anything.
        let page = short.after(room, "bob", 1_000).await.unwrap();
        assert_eq!((page.cursor.get(), page.messages.len()), (1_002, 2));
        assert!(long.told().is_empty() && short.told().is_empty() && other.told().is_empty());
        // Who retries now says it again.
        assert_eq!(short.say(room, "alice", "k5", "hi").await.id.get(), 1_002);
    }

    async fn a_rooms_own_key_expires_too_and_the_room_stays(place: Place) {
        let long = place.open().await;
        let key = Some(TransactionId::new("k").unwrap());
        let lunch = NewRoom { creator: user("alice"), title: "Lunch".into(), members: vec![], key };
        let room = long.store.create_room(lunch.clone()).await.unwrap();
        assert_eq!(long.store.create_room(lunch.clone()).await.unwrap().id, room.id);
        let short = place.open_with(keeping(Duration::from_millis(1))).await;
        let begun = Instant::now();
        while short.store.create_room(lunch.clone()).await.unwrap().id == room.id {
            assert!(begun.elapsed() < DEADLINE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(short.store.rooms_of(user("alice")).await.unwrap().len(), 2);
    }

    async fn a_key_that_is_young_enough_stays(place: Place) {
        let world = place.open_with(keeping(Duration::from_secs(2))).await;
        let room = world.room(&[]).await;
        let begun = Instant::now(); // its key is not older than that
        let old = world.say(room, "alice", "old", "one").await;
        // Said again and again it is the same message, until the key has been there for two seconds.
        let mut n = 0;
        loop {
            n += 1;
            let young = world.say(room, "alice", &format!("young-{n}"), "two").await;
            assert_eq!(world.say(room, "alice", &format!("young-{n}"), "two").await, young);
            let again = world.store.send(new(room, "alice", "old", "other")).await;
            if !matches!(again, Err(StoreError::IdempotencyKeyReused)) {
                break;
            }
            assert!(begun.elapsed() < DEADLINE);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(1_990), "{:?}", begun.elapsed());
        assert_eq!(world.after(room, "alice", 0).await.unwrap().messages[0].text, old.text);
    }

    async fn kept_for_good_they_never_expire(place: Place) {
        let world = place.open_with(Options { keep_keys: None, ..Options::default() }).await;
        let room = world.room(&[]).await;
        let first = world.say(room, "alice", "key", "one").await;
        assert_eq!(world.say(room, "alice", "key", "one").await, first);
    }
}
