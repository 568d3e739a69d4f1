//! What the store tells of what it has committed.

use crate::common::{Place, id, new, on_both, refused, text, user};
use chat_server::store::Changed;

on_both! {
    async fn a_change_is_announced_before_it_is_answered_and_what_changes_nothing_is_not_but_for_a_young_replay(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        let one = |urgent| vec![Changed { room, changes: 1, urgent }];
        assert!(world.told().is_empty(), "nobody listens to a new room");
        world.say(room, "alice", "1", "hi").await;
        assert_eq!(world.told(), one(false));
        world.say(room, "alice", "1", "hi").await;
        assert_eq!(world.told().len(), 1, "a replay: who stored it may have died before it told anybody");
        refused(world.store.send(new(room, "alice", "1", "ho")).await, "IdempotencyKeyReused");
        assert!(world.told().is_empty(), "another message with its key");
        world.store.edit(room, id(1), user("alice"), text("ho")).await.unwrap();
        assert_eq!(world.told(), one(false));
        world.store.edit(room, id(1), user("alice"), text("ho")).await.unwrap();
        assert!(world.told().is_empty(), "the same edit");
        world.store.delete(room, id(1), user("alice")).await.unwrap();
        assert_eq!(world.told(), one(true));
        world.store.mark_read(room, user("bob"), id(1)).await.unwrap();
        world.store.add_member(room, user("alice"), user("carol")).await.unwrap();
        assert!(world.told().is_empty());
        world.store.remove_member(room, user("alice"), user("carol")).await.unwrap();
        assert_eq!(world.told(), one(true));
        world.store.remove_member(room, user("alice"), user("carol")).await.unwrap();
        assert!(world.told().is_empty());
    }
}
