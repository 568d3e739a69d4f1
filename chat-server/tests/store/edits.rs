//! Edits and deletions.

use crate::common::{Place, id, ids, on_both, refused, seqs, text, user};

on_both! {
    async fn an_edit_takes_the_next_seq_and_comes_once_at_its_newest(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        world.say(room, "alice", "1", "one").await;
        world.say(room, "bob", "2", "two").await;
        let edited = world.store.edit(room, id(1), user("alice"), text("uno")).await.unwrap();
        assert_eq!((edited.id.get(), edited.seq.get(), edited.text.as_str()), (1, 3, "uno"));
        assert!(edited.edited_at.is_some() && edited.transaction_id.is_some());
        let page = world.after(room, "bob", 0).await.unwrap();
        assert_eq!((ids(&page.messages), seqs(&page.messages)), (vec![2, 1], vec![2, 3]));
        // The same once more changes nothing.
        assert_eq!(world.store.edit(room, id(1), user("alice"), text("uno")).await.unwrap(), edited);
        assert!(world.after(room, "bob", 3).await.is_none());
        // A replay of the first send finds the message as it is now.
        assert_eq!(world.say(room, "alice", "1", "one").await.text, "uno");
    }

    async fn a_deletion_leaves_a_tombstone(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        world.say(room, "alice", "1", "one").await;
        let deleted = world.store.delete(room, id(1), user("alice")).await.unwrap();
        assert_eq!((deleted.seq.get(), deleted.text.as_str(), deleted.deleted), (2, "", true));
        assert_eq!(world.store.delete(room, id(1), user("alice")).await.unwrap(), deleted);
        refused(world.store.edit(room, id(1), user("alice"), text("back")).await, "MessageDeleted");
        assert_eq!(world.say(room, "alice", "1", "one").await, deleted, "a late replay");
        assert_eq!(world.say(room, "alice", "1", "eins").await, deleted, "nobody knows what it said");
        assert_eq!(world.after(room, "bob", 0).await.unwrap().messages.len(), 1);
        assert_eq!(world.say(room, "alice", "2", "two").await.id.get(), 2, "the tombstone keeps its place");
    }

    async fn one_changes_only_what_one_wrote(place: Place) {
        let world = place.open().await;
        let room = world.room(&["bob"]).await;
        world.say(room, "alice", "1", "one").await;
        refused(world.store.edit(room, id(1), user("bob"), text("x")).await, "NotTheSender");
        refused(world.store.delete(room, id(1), user("bob")).await, "NotTheSender");
        refused(world.store.edit(room, id(2), user("bob"), text("x")).await, "MessageNotFound");
        refused(world.store.delete(room, id(1), user("eve")).await, "NotAMember");
        world.store.remove_member(room, user("bob"), user("alice")).await.unwrap();
        refused(world.store.delete(room, id(1), user("alice")).await, "NotAMember");
    }
}
