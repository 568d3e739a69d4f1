//! The moments that no clock can be made to hit: somebody comes or goes while a flush reads.

use super::super::listener::{Event, Listener};
use super::super::rendering::Rendering;
use super::Room;
use crate::socket::frames;
use crate::store::Changes;
use chat_protocol::{Message, MessageId, RoomId, Seq, ServerFrame, Timestamp, UserId};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

fn room() -> Room {
    Room::new(RoomId::new(1).unwrap(), Arc::default())
}

fn seq(n: i64) -> Seq {
    Seq::new(n).unwrap()
}

/// Takes a place in the room, at which `seen` is known if it is to attach.
fn enter(room: &Room, seen: Option<i64>) -> (u64, Arc<Listener>) {
    let user = UserId::new("bob").unwrap();
    let listener = Arc::new(Listener::new(user, Rendering::Socket, 10_000));
    let key = room.enter(Arc::clone(&listener));
    if let Some(seen) = seen {
        assert!(room.attach(key, seq(seen), 0));
    }
    (key, listener)
}

/// What a flush has read after `after`.
fn read(after: i64, cursor: i64) -> Changes {
    let message = |n| Message {
        id: MessageId::new(n).unwrap(),
        seq: seq(n),
        sender: UserId::new("alice").unwrap(),
        text: "hi".into(),
        sent_at: Timestamp::from_millis(0),
        edited_at: None,
        deleted: false,
        transaction_id: None,
    };
    let messages = (after + 1..=cursor).map(message).collect();
    Changes { messages, cursor: seq(cursor), has_more: false, removals: 0, members: None }
}

fn heard(listener: &Listener) -> Vec<i64> {
    let mut heard = Vec::new();
    while let Poll::Ready(Event::Data(bytes)) = listener.poll(&Context::from_waker(Waker::noop())) {
        match serde_json::from_slice(frames::payload(&bytes)).unwrap() {
            ServerFrame::Changes { messages, .. } => {
                heard.extend(messages.iter().map(|message| message.seq.get()));
            }
            other => panic!("{other:?}"),
        }
    }
    heard
}

#[test]
fn who_attaches_while_a_flush_reads_gets_what_is_beyond_their_own_place() {
    let room = room();
    let (_, first) = enter(&room, Some(5));
    let (_, ahead) = enter(&room, Some(6));
    assert!(room.lock().deliver(read(5, 7), seq(5)).is_some());
    assert_eq!((heard(&first), heard(&ahead)), (vec![6, 7], vec![7]));
}

#[test]
fn who_is_behind_the_room_reads_on_before_they_attach() {
    let room = room();
    let (_, _first) = enter(&room, Some(5));
    let (key, late) = enter(&room, None);
    assert!(room.lock().deliver(read(5, 6), seq(5)).is_some());
    assert!(!room.attach(key, seq(5), 0), "6 has left without them");
    assert!(room.attach(key, seq(6), 0));
    assert!(room.lock().deliver(read(6, 7), seq(6)).is_some());
    assert_eq!(heard(&late), [7]);
}

#[test]
fn a_flush_that_was_read_for_others_is_read_anew_for_who_has_come_since() {
    let room = room();
    let (key, _first) = enter(&room, Some(6));
    let (late_key, late) = enter(&room, None);
    room.leave(key); // while the flush reads after 6
    assert!(room.attach(late_key, seq(5), 0));
    assert!(room.lock().deliver(read(6, 7), seq(6)).is_none(), "6 would be missing");
    assert_eq!(room.lock().position(), Some((seq(5), 0)));
    assert!(room.lock().deliver(read(5, 7), seq(5)).is_some());
    assert_eq!(heard(&late), [6, 7]);
}

#[test]
fn what_changes_while_everybody_is_still_joining_is_looked_at_once_somebody_has_joined() {
    let room = room();
    let (key, _) = enter(&room, None);
    assert_eq!(room.lock().position(), None, "a flush finds nobody");
    assert!(room.attach(key, seq(5), 0));
    assert!(room.urgent.load(std::sync::atomic::Ordering::Relaxed), "so it is called again");
}

#[test]
fn who_read_before_a_removal_that_the_room_knows_of_makes_it_look_again() {
    let room = room();
    let (_, _first) = enter(&room, Some(5));
    let removed = Changes { removals: 1, members: Some([UserId::new("bob").unwrap()].into()), ..read(5, 5) };
    assert!(room.lock().deliver(removed, seq(5)).is_some());
    assert_eq!(room.lock().position(), Some((seq(5), 1)));
    let (key, _) = enter(&room, None);
    assert!(room.attach(key, seq(5), 0));
    assert_eq!(room.lock().position(), Some((seq(5), 0)));
    assert!(room.urgent.load(std::sync::atomic::Ordering::Relaxed));
}
