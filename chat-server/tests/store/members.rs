//! Who is in a room, and what they have read.

use crate::common::{Place, id, new, on_both, refused, user};
use chat_protocol::{RoomId, TransactionId};
use chat_server::store::NewRoom;

on_both! {
    async fn a_room_has_its_creator_and_whoever_is_named_each_once(place: Place) {
        let world = place.open().await;
        let members = vec![user("bob"), user("alice"), user("bob")];
        let room = NewRoom { creator: user("alice"), title: "Lunch 점심".into(), members, key: None };
        let room = world.store.create_room(room).await.unwrap();
        assert_eq!((room.title.as_str(), room.members), ("Lunch 점심", vec![user("alice"), user("bob")]));
        assert_eq!(world.room(&[]).await.get(), room.id.get() + 1);
    }

    async fn a_room_that_is_asked_for_again_by_the_same_key_is_the_same_room(place: Place) {
        let world = place.open().await;
        let ask = |creator: &str, title: &str, members: &[&str], key: &str| {
            world.store.create_room(NewRoom {
                creator: user(creator),
                title: title.into(),
                members: members.iter().map(|name| user(name)).collect(),
                key: Some(TransactionId::new(key).unwrap()),
            })
        };
        // At once, as a client does whose answer is late, and later.
        let (one, two) = tokio::join!(ask("alice", "Lunch", &["bob"], "k"), ask("alice", "Lunch", &["bob"], "k"));
        let room = one.unwrap();
        assert_eq!(room, two.unwrap());
        world.store.remove_member(room.id, user("bob"), user("alice")).await.unwrap();
        assert_eq!(ask("alice", "Lunch", &["alice", "bob", "bob"], "k").await.unwrap(), room, "as it was made");
        refused(ask("alice", "Dinner", &["bob"], "k").await, "IdempotencyKeyReused");
        refused(ask("alice", "Lunch", &["carol"], "k").await, "IdempotencyKeyReused");
        // The key is hers.
        assert_ne!(ask("bob", "Lunch", &["alice"], "k").await.unwrap().id, room.id);
        assert_ne!(ask("alice", "Lunch", &["bob"], "l").await.unwrap().id, room.id);
        assert_eq!(world.store.rooms_of(user("bob")).await.unwrap().len(), 3);
    }

    async fn a_member_lets_others_in_and_out(place: Place) {
        let world = place.open().await;
        let room = world.room(&[]).await;
        refused(world.store.add_member(room, user("bob"), user("bob")).await, "NotAMember");
        for _ in 0..2 {
            world.store.add_member(room, user("alice"), user("bob")).await.unwrap();
        }
        world.say(room, "bob", "1", "hi").await;
        for _ in 0..2 {
            world.store.remove_member(room, user("alice"), user("bob")).await.unwrap();
        }
        refused(world.store.send(new(room, "bob", "2", "hi")).await, "NotAMember");
        refused(world.store.remove_member(room, user("bob"), user("alice")).await, "NotAMember");
        // Leaving twice is leaving.
        world.store.remove_member(room, user("bob"), user("bob")).await.unwrap();
        let nowhere = RoomId::new(999).unwrap();
        refused(world.store.add_member(nowhere, user("alice"), user("bob")).await, "RoomNotFound");
        refused(world.store.remove_member(nowhere, user("bob"), user("bob")).await, "RoomNotFound");
    }

    async fn a_list_of_rooms_has_the_newest_message_and_what_is_unread(place: Place) {
        let world = place.open().await;
        let (one, two) = (world.room(&["bob"]).await, world.room(&["bob"]).await);
        for n in 1..=5 {
            world.say(two, if n == 2 { "bob" } else { "alice" }, &n.to_string(), "hi").await;
        }
        world.store.delete(two, id(4), user("alice")).await.unwrap();
        let rooms = world.store.rooms_of(user("bob")).await.unwrap();
        let of = |n: usize| (rooms[n].id, rooms[n].unread, rooms[n].read_marker);
        assert_eq!((of(0), of(1)), ((one, 0, None), (two, 3, None)));
        assert!(rooms[0].last_message.is_none());
        let last = rooms[1].last_message.as_ref().unwrap();
        assert_eq!((last.id.get(), last.transaction_id.is_none()), (5, true), "alice's key is hers");
        assert!(world.store.rooms_of(user("eve")).await.unwrap().is_empty());
        let alices = world.store.rooms_of(user("alice")).await.unwrap();
        assert!(alices[1].last_message.as_ref().unwrap().transaction_id.is_some());
    }

    async fn a_marker_moves_forward_only_and_not_beyond_the_newest_message(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        for n in 1..=5 {
            world.say(room, "alice", &n.to_string(), "hi").await;
        }
        let mark = |n: i64| world.store.mark_read(room, user("bob"), id(n));
        let marker = mark(3).await.unwrap();
        assert_eq!((marker.id.get(), marker.unread), (3, 2));
        let marker = mark(2).await.unwrap();
        assert_eq!((marker.id.get(), marker.unread), (3, 2));
        refused(mark(6).await, "MarkerAhead { newest: 5 }");
        refused(world.store.mark_read(room, user("eve"), id(1)).await, "NotAMember");
        let nowhere = RoomId::new(999).unwrap();
        refused(world.store.mark_read(nowhere, user("bob"), id(1)).await, "RoomNotFound");
        assert_eq!(world.store.rooms_of(user("bob")).await.unwrap()[0].read_marker, Some(id(3)));
    }

    async fn a_newcomer_has_nothing_unread_and_so_has_who_comes_back(place: Place) {
        let world = place.open().await;
        let room = world.room(&[]).await;
        for round in 0..2 {
            for n in 0..3 {
                world.say(room, "alice", &format!("{round}-{n}"), "hi").await;
            }
            world.store.add_member(room, user("alice"), user("bob")).await.unwrap();
            assert_eq!(world.store.rooms_of(user("bob")).await.unwrap()[0].unread, 0);
            world.say(room, "alice", &format!("{round}-after"), "hi").await;
            assert_eq!(world.store.rooms_of(user("bob")).await.unwrap()[0].unread, 1);
            world.store.remove_member(room, user("alice"), user("bob")).await.unwrap();
            assert!(world.store.rooms_of(user("bob")).await.unwrap().is_empty());
        }
    }
}
