//! Cutting pages.

use crate::common::{Place, World, id, ids, on_both, refused, seq, seqs, user};
use chat_protocol::RoomId;
use chat_server::store::{PAGE_BYTES, PageRequest};

async fn ten(world: &World) -> RoomId {
    let room = world.room(&["bob"]).await;
    for n in 1..=10 {
        let sender = if n % 2 == 0 { "bob" } else { "alice" };
        world.say(room, sender, &n.to_string(), &format!("message {n}")).await;
    }
    room
}

on_both! {
    async fn changes_come_oldest_first_from_the_cursor_on(place: Place) {
        let world = place.open().await;
        let room = ten(&world).await;
        let page = world.page(room, "bob", PageRequest::After { cursor: seq(3), limit: 4 }).await.unwrap();
        assert_eq!((ids(&page.messages), page.cursor.get(), page.has_more), (vec![4, 5, 6, 7], 7, true));
        let page = world.page(room, "bob", PageRequest::After { cursor: seq(7), limit: 4 }).await.unwrap();
        assert_eq!((ids(&page.messages), page.cursor.get(), page.has_more), (vec![8, 9, 10], 10, false));
        assert!(world.after(room, "bob", 10).await.is_none());
        let ahead = PageRequest::After { cursor: seq(11), limit: 4 };
        refused(world.store.page(room, user("bob"), ahead).await, "CursorAhead { newest: Seq(10) }");
        // Who listens has such a cursor when the database was set back.
        refused(world.store.changes(room, seq(11), 0).await, "CursorAhead { newest: Seq(10) }");
        assert!(world.store.changes(room, seq(10), 0).await.unwrap().messages.is_empty());
    }

    async fn history_comes_in_pages_that_end_before_an_id(place: Place) {
        let world = place.open().await;
        let room = ten(&world).await;
        let page = world.page(room, "bob", PageRequest::Newest { limit: 3 }).await.unwrap();
        assert_eq!((ids(&page.messages), page.cursor.get(), page.has_more), (vec![8, 9, 10], 10, true));
        let page = world.page(room, "bob", PageRequest::Before { id: id(8), limit: 5 }).await.unwrap();
        assert_eq!((ids(&page.messages), page.cursor.get(), page.has_more), (vec![3, 4, 5, 6, 7], 10, true));
        let page = world.page(room, "bob", PageRequest::Before { id: id(3), limit: 5 }).await.unwrap();
        assert_eq!((ids(&page.messages), page.has_more), (vec![1, 2], false));
        let page = world.page(room, "bob", PageRequest::Before { id: id(1), limit: 5 }).await.unwrap();
        assert!(page.messages.is_empty() && !page.has_more);
    }

    async fn only_the_sender_sees_a_messages_key(place: Place) {
        let world = place.open().await;
        let room = ten(&world).await;
        for request in [PageRequest::Newest { limit: 10 }, PageRequest::After { cursor: seq(0), limit: 10 }] {
            for message in world.page(room, "bob", request).await.unwrap().messages {
                let key = message.transaction_id.map(|key| key.as_str().to_owned());
                assert_eq!(key, (message.sender == user("bob")).then(|| message.id.to_string()));
            }
        }
    }

    async fn a_page_of_long_messages_is_a_shorter_page(place: Place) {
        let world = place.open().await;
        let room = world.room(&[]).await;
        // Each weighs 16,000 bytes, or 24,000 where they have to be escaped.
        for n in 0..40 {
            let said = if n < 20 { "🙂".repeat(4_000) } else { "\u{1}".repeat(4_000) };
            world.say(room, "alice", &n.to_string(), &said).await;
        }
        let (mut cursor, mut got) = (0, Vec::new());
        while let Some(page) = world.after(room, "alice", cursor).await {
            let bytes = serde_json::to_vec(&page.messages).unwrap().len();
            assert!(bytes <= PAGE_BYTES + 24_600 && !page.messages.is_empty(), "{bytes}");
            cursor = page.cursor.get();
            got.extend(ids(&page.messages));
            if !page.has_more {
                break;
            }
        }
        assert_eq!(got, (1..=40).collect::<Vec<_>>());
        let newest = world.page(room, "alice", PageRequest::Newest { limit: 500 }).await.unwrap();
        assert!(newest.has_more && *ids(&newest.messages).last().unwrap() == 40);
        // One that is larger than what is asked for still comes.
        let missed = world.store.missed(room, user("alice"), seq(0), (500, 100)).await.unwrap();
        assert_eq!(ids(&missed.page.unwrap().messages), [1]);
    }

    async fn who_listens_reads_changes_and_who_is_in_the_room_when_somebody_has_left(place: Place) {
        let world = place.open().await;
        let room = ten(&world).await;
        let changes = world.store.changes(room, seq(8), 0).await.unwrap();
        assert_eq!((ids(&changes.messages), changes.cursor.get(), changes.has_more), (vec![9, 10], 10, false));
        assert!(changes.members.is_none() && changes.removals == 0);
        assert!(changes.messages.iter().all(|message| message.transaction_id.is_some()));
        world.store.remove_member(room, user("bob"), user("bob")).await.unwrap();
        let changes = world.store.changes(room, seq(8), 0).await.unwrap();
        assert_eq!((changes.members.unwrap().len(), changes.removals, changes.messages.len()), (1, 1, 2));
        let changes = world.store.changes(room, seq(10), 0).await.unwrap();
        assert_eq!((changes.members.unwrap().len(), changes.cursor.get(), changes.messages.len()), (1, 10, 0));
        assert!(world.store.changes(room, seq(10), 1).await.unwrap().members.is_none());
        let missed = world.store.missed(room, user("alice"), seq(9), (500, PAGE_BYTES)).await.unwrap();
        assert_eq!((seqs(&missed.page.unwrap().messages), missed.removals), (vec![10], 1));
        refused(world.store.missed(room, user("bob"), seq(9), (500, PAGE_BYTES)).await, "NotAMember");
        // As after a backup was put back: whoever listens must not go on as if nothing had been.
        refused(world.store.changes(room, seq(11), 1).await, "CursorAhead { newest: Seq(10) }");
    }
}
