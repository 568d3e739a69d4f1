//! Nothing lost, nothing doubled, nothing out of order; told once, and keys to their owners alone.

use super::{Batching, Bounds, Rendering, World, changes, event, page, user};
use crate::hub::Event;
use chat_protocol::{CloseCode, MessageId, MessageText, Seq};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_message_reaches_every_listener_and_its_key_the_sender_alone() {
    let world = World::usual().await;
    let (mut of_alice, mut of_bob) = (world.listen("alice", 0).await, world.listen("bob", 0).await);
    let said = world.say("alice", "hi").await;
    assert!(said.transaction_id.is_some());
    assert_eq!(changes(&mut of_alice).await, std::slice::from_ref(&said));
    let heard = changes(&mut of_bob).await;
    assert_eq!((heard[0].id, heard[0].text.as_str()), (said.id, "hi"));
    assert_eq!(heard[0].transaction_id, None);
}

#[tokio::test]
async fn listeners_of_a_kind_share_the_very_same_bytes() {
    let world = World::usual().await;
    let (mut one, mut other) = (world.listen("bob", 0).await, world.listen("bob", 0).await);
    world.say("alice", "hi").await;
    let (Event::Data(one), Event::Data(other)) = (event(&mut one).await, event(&mut other).await) else {
        panic!()
    };
    assert_eq!(one.as_ptr(), other.as_ptr());
}

#[tokio::test]
async fn edits_and_deletions_come_as_messages_do_and_replays_do_not_come() {
    let world = World::usual().await;
    let mut bob = world.listen("bob", 0).await;
    let said = world.say("alice", "hi").await;
    assert_eq!(changes(&mut bob).await[0].text, "hi");
    for _ in 0..2 {
        let text = MessageText::new("ho").unwrap();
        world.store.edit(world.room, said.id, user("alice"), text).await.unwrap();
    }
    let edited = changes(&mut bob).await;
    assert_eq!((edited.len(), edited[0].seq.get(), edited[0].text.as_str()), (1, 2, "ho"));
    for _ in 0..2 {
        world.store.delete(world.room, said.id, user("alice")).await.unwrap();
    }
    let deleted = changes(&mut bob).await;
    assert_eq!((deleted.len(), deleted[0].seq.get(), deleted[0].deleted), (1, 3, true));
    assert_eq!(deleted[0].id, MessageId::new(1).unwrap());
    super::nothing(&mut bob).await;
}

#[tokio::test]
async fn more_at_once_than_a_page_takes_is_heard_to_its_end() {
    const SAID: usize = 100;
    let bounds = Bounds { backlog: 16 << 20, ..Bounds::default() };
    let world = Arc::new(World::new(bounds, Batching::default()).await);
    let mut bob = world.listen("bob", 0).await;
    // One commit takes all that waits meanwhile: six pages.
    let lock = world.lock_the_database();
    let mut saying = JoinSet::new();
    for _ in 0..SAID {
        let world = Arc::clone(&world);
        saying.spawn(async move { world.say("alice", &"🦀".repeat(4_000)).await });
    }
    tokio::task::yield_now().await;
    drop(lock);
    saying.join_all().await;
    let mut heard = 0;
    while heard < SAID {
        heard += changes(&mut bob).await.len();
    }
}

#[tokio::test]
async fn who_is_far_behind_catches_up_page_by_page_and_then_hears_what_happens() {
    let bounds = Bounds { backlog: 1 << 20, ..Bounds::default() };
    let world = World::new(bounds, Batching::default()).await;
    for _ in 0..1_203 {
        world.say("alice", "hi").await;
    }
    let mut bob = world.join("bob", 0).await;
    let mut lengths = Vec::new();
    let mut seen = 0;
    while seen < 1_203 {
        let page = changes(&mut bob).await;
        assert_eq!(page[0].seq.get(), seen + 1);
        seen = page.last().unwrap().seq.get();
        lengths.push(page.len());
    }
    assert_eq!(lengths, [500, 500, 203]);
    world.say("alice", "and more").await;
    assert_eq!(changes(&mut bob).await[0].seq.get(), 1_204);
}

/// Joins at a random place and checks that from there every seq comes once, in order, up to `last`.
async fn follow(world: Arc<World>, rendering: Rendering, last: i64) {
    let after = fastrand::i64(0..=world.say("bob", "where are we").await.seq.get());
    let mut seen = after;
    'again: loop {
        let mut subscription = world.try_join("alice", seen, rendering).await.unwrap();
        loop {
            let Event::Data(bytes) = event(&mut subscription).await else { panic!("the end") };
            for seq in seqs(rendering, &bytes) {
                assert_eq!(seq, seen + 1, "joined after {after}");
                seen = seq;
            }
            if seen >= last {
                return;
            }
            if matches!(rendering, Rendering::Page { .. }) || fastrand::u8(..) == 0 {
                continue 'again;
            }
        }
    }
}

pub(super) fn seqs(rendering: Rendering, bytes: &[u8]) -> Vec<i64> {
    match rendering {
        Rendering::Sse => {
            let text = std::str::from_utf8(bytes).unwrap();
            text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
        }
        Rendering::Socket => match serde_json::from_slice(super::frames::payload(bytes)).unwrap() {
            chat_protocol::ServerFrame::Changes { messages, .. } => {
                messages.iter().map(|message| message.seq.get()).collect()
            }
            other => panic!("{other:?}"),
        },
        Rendering::Page { .. } => {
            let page: chat_protocol::Page = serde_json::from_slice(bytes).unwrap();
            assert_eq!(page.messages.last().unwrap().seq, page.cursor);
            page.messages.iter().map(|message| message.seq.get()).collect()
        }
    }
}

async fn everybody_hears_everything_once(batching: Batching) {
    const LAST: i64 = 1_200;
    let bounds = Bounds { per_user: 1_000, backlog: 16 << 20, ..Bounds::default() };
    let world = Arc::new(World::new(bounds, batching).await);
    let done = Arc::new(AtomicBool::new(false));
    let mut talkers = JoinSet::new();
    for talker in ["alice", "bob", "alice", "bob"] {
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        talkers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                world.say(talker, "on and on").await;
            }
        });
    }
    let mut followers = JoinSet::new();
    for n in 0..60 {
        let rendering =
            [Rendering::Sse, Rendering::Socket, Rendering::Page { limit: 7 }, Rendering::Page { limit: 100 }];
        followers.spawn(follow(Arc::clone(&world), rendering[n % 4], LAST));
        tokio::time::sleep(Duration::from_millis(2)).await; // they come while it is going on
    }
    while let Some(followed) = followers.join_next().await {
        followed.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    talkers.join_all().await;
    assert_eq!(world.hub.listeners(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_joins_whenever_in_constant_traffic_hears_everything_once_and_in_order() {
    everybody_hears_everything_once(Batching::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn and_no_less_when_changes_wait_for_each_other() {
    everybody_hears_everything_once(Batching { above: 0, ..Batching::default() }).await;
}

#[tokio::test]
async fn a_long_poll_is_held_until_something_comes_and_gets_no_more_than_it_asked_for() {
    let world = World::usual().await;
    let mut held = world.try_join("bob", 0, Rendering::Page { limit: 2 }).await.unwrap();
    super::nothing(&mut held).await;
    world.say("alice", "one").await;
    let first = page(&mut held).await;
    assert_eq!((first.messages.len(), first.cursor.get(), first.has_more), (1, 1, false));
    assert_eq!(held.company(), 1, "nobody else waited");
    drop(held);
    for _ in 0..2 {
        world.say("alice", "more").await;
    }
    let mut late = world.try_join("bob", 0, Rendering::Page { limit: 2 }).await.unwrap();
    let page = page(&mut late).await;
    assert_eq!((page.messages.len(), page.cursor, page.has_more), (2, Seq::new(2).unwrap(), true));
}

#[tokio::test]
async fn waiters_answered_together_know_how_many_they_are() {
    let world = World::usual().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(world.try_join("bob", 0, Rendering::Page { limit: 10 }).await.unwrap());
    }
    let _stream = world.listen("bob", 0).await;
    world.say("alice", "hi").await;
    for waiter in &mut held {
        assert_eq!(page(waiter).await.messages.len(), 1);
        assert_eq!(waiter.company(), 5);
    }
}

#[tokio::test]
async fn a_lone_message_is_not_held_for_the_window() {
    let batching = Batching { window: Duration::from_secs(3_600), ..Batching::default() };
    let world = World::new(Bounds::default(), batching).await;
    let mut bob = world.listen("bob", 0).await;
    world.say("alice", "hi").await;
    assert_eq!(changes(&mut bob).await.len(), 1);
}

#[tokio::test]
async fn who_has_seen_more_than_the_room_has_sent_gets_nothing_twice() {
    // The room holds back what bob has polled already.
    let batching = Batching { window: Duration::from_millis(300), above: 0, ..Batching::default() };
    let world = World::new(Bounds::default(), batching).await;
    let mut waiting = world.listen("alice", 0).await;
    let mut said = 0;
    while said < 40 {
        said = world.say("alice", "hi").await.seq.get();
    }
    let mut bob = world.join("bob", 38).await;
    assert_eq!(changes(&mut bob).await.len(), 2);
    let next = world.say("alice", "next").await.seq;
    let mut heard = 0;
    while heard < next.get() {
        heard = changes(&mut waiting).await.last().unwrap().seq.get();
    }
    let only = changes(&mut bob).await;
    assert_eq!(only.iter().map(|message| message.seq).collect::<Vec<_>>(), [next]);
}

#[tokio::test]
async fn a_cursor_ahead_of_the_room_is_refused_and_leaves_nothing_behind() {
    let world = World::usual().await;
    assert!(world.try_join("bob", 1, Rendering::Sse).await.is_err());
    assert!(world.try_join("carol", 0, Rendering::Sse).await.is_err());
    assert_eq!(world.hub.listeners(), 0);
    let mut bob = world.listen("bob", 0).await;
    world.hub.close();
    assert_eq!(super::end(&mut bob).await, CloseCode::GoingAway);
}
