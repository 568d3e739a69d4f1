//! Changes of one transaction, each after those before it.

use super::{Change, State};
use crate::store::error::StoreError;
use crate::store::model::NewMessage;
use chat_protocol::{MessageId, MessageText, RoomId, Timestamp, TransactionId, UserId};

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn room_of(members: &[&str]) -> State {
    let mut state = State::new(10, 20, 0);
    members.iter().for_each(|name| state.know_member(user(name)));
    state
}

fn send(sender: &str, key: &str, text: &str) -> Change {
    Change::Send(NewMessage {
        room: RoomId::new(1).unwrap(),
        sender: user(sender),
        transaction_id: TransactionId::new(key).unwrap(),
        text: MessageText::new(text).unwrap(),
    })
}

fn edit(id: i64, caller: &str, text: &str) -> Change {
    let (id, text) = (MessageId::new(id).unwrap(), MessageText::new(text).unwrap());
    Change::Edit { id, caller: user(caller), text }
}

fn out(caller: &str, who: &str) -> Change {
    Change::Remove { caller: user(caller), user: user(who) }
}

fn back(caller: &str, who: &str) -> Change {
    Change::Add { caller: user(caller), user: user(who) }
}

fn apply(state: &mut State, change: &Change) -> super::Outcome {
    state.apply(change, Timestamp::from_millis(1_000))
}

#[test]
fn the_same_key_twice_in_one_transaction_is_one_message() {
    let mut state = room_of(&["alice", "bob"]);
    let first = apply(&mut state, &send("alice", "k", "hi")).unwrap();
    assert_eq!(apply(&mut state, &send("alice", "k", "hi")).unwrap(), first);
    assert!(matches!(apply(&mut state, &send("alice", "k", "ho")), Err(StoreError::IdempotencyKeyReused)));
    assert_eq!(apply(&mut state, &send("bob", "k", "ho")).unwrap().unwrap().id.get(), 12);
    assert_eq!((state.last_id, state.last_seq, state.changes, state.inserted().count()), (12, 22, 2, 2));
}

#[test]
fn a_replay_is_told_again_for_a_minute_and_writes_nothing() {
    let mut first = room_of(&["alice"]);
    apply(&mut first, &send("alice", "k", "hi")).unwrap();
    let kept = first.inserted().next().unwrap().clone();
    for (later, told) in [(-5_000, true), (59_000, true), (60_000, false)] {
        let mut state = room_of(&["alice"]);
        state.know_message(kept.clone());
        let now = Timestamp::from_millis(kept.message.sent_at.as_millis() + later);
        state.apply(&send("alice", "k", "hi"), now).unwrap();
        assert_eq!((state.told_again, state.is_changed(), state.changes), (told, false, 0), "{later} ms");
    }
}

#[test]
fn what_is_sent_and_edited_in_one_transaction_is_written_once_as_it_is_then() {
    let mut state = room_of(&["alice"]);
    apply(&mut state, &send("alice", "k", "hi")).unwrap();
    apply(&mut state, &edit(11, "alice", "ho")).unwrap();
    let delete = Change::Delete { id: MessageId::new(11).unwrap(), caller: user("alice") };
    apply(&mut state, &delete).unwrap();
    let written: Vec<_> = state.inserted().map(|kept| &kept.message).collect();
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].seq.get(), written[0].text.as_str(), written[0].deleted), (23, "", true));
    assert_eq!((state.updated().count(), state.urgent), (0, true));
    assert!(matches!(apply(&mut state, &edit(11, "alice", "x")), Err(StoreError::MessageDeleted)));
}

#[test]
fn who_was_taken_out_says_nothing_more_in_the_same_transaction() {
    let mut state = room_of(&["alice", "bob"]);
    apply(&mut state, &out("alice", "bob")).unwrap();
    assert!(matches!(apply(&mut state, &send("bob", "k", "hi")), Err(StoreError::NotAMember)));
    assert!(matches!(apply(&mut state, &out("bob", "alice")), Err(StoreError::NotAMember)));
    apply(&mut state, &out("bob", "bob")).unwrap();
    assert_eq!((state.removals, state.gone().count()), (1, 1));
}

#[test]
fn who_is_taken_out_and_let_in_again_starts_anew() {
    let mut state = room_of(&["alice", "bob"]);
    apply(&mut state, &out("alice", "bob")).unwrap();
    apply(&mut state, &send("alice", "k", "hi")).unwrap();
    apply(&mut state, &back("alice", "bob")).unwrap();
    assert_eq!(state.gone().count(), 1, "the old row goes");
    assert_eq!(state.come().collect::<Vec<_>>(), [(&user("bob"), 11)], "a new one comes, nothing unread");
    // Out once more: nothing is left to insert, and the old row goes all the same.
    apply(&mut state, &out("alice", "bob")).unwrap();
    assert_eq!((state.gone().count(), state.come().count(), state.removals), (1, 0, 2));
    // Somebody new who leaves at once was never there.
    apply(&mut state, &back("alice", "carol")).unwrap();
    apply(&mut state, &out("alice", "carol")).unwrap();
    assert_eq!((state.gone().count(), state.come().count(), state.removals), (1, 0, 3));
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let mut state = room_of(&["alice", "bob"]);
    apply(&mut state, &back("alice", "bob")).unwrap();
    apply(&mut state, &out("alice", "nobody")).unwrap();
    assert!(matches!(apply(&mut state, &edit(3, "alice", "x")), Err(StoreError::MessageNotFound)));
    assert!(!state.is_changed());
}
