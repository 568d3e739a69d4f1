//! Who may listen, and until when.

use super::{World, changes, end, nothing, user};
use crate::hub::{Event, Join, JoinError, Rendering};
use crate::store::StoreError;
use chat_protocol::{CloseCode, Seq};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn who_is_taken_out_hears_no_more_and_the_others_go_on() {
    let world = World::usual().await;
    let (mut alice, mut bob) = (world.listen("alice", 0).await, world.listen("bob", 0).await);
    world.store.remove_member(world.room, user("alice"), user("bob")).await.unwrap();
    assert_eq!(end(&mut bob).await, CloseCode::NotAMember);
    assert_eq!(end(&mut bob).await, CloseCode::NotAMember, "and stays so");
    world.say("alice", "alone at last").await;
    assert_eq!(changes(&mut alice).await.len(), 1);
    // Let in again, bob reads on from where he was.
    world.store.add_member(world.room, user("alice"), user("bob")).await.unwrap();
    assert_eq!(changes(&mut world.join("bob", 0).await).await.len(), 1);
}

#[tokio::test]
async fn what_was_waiting_for_who_is_taken_out_does_not_reach_them() {
    let world = World::usual().await;
    let (mut alice, mut bob) = (world.listen("alice", 0).await, world.listen("bob", 0).await);
    world.say("alice", "bob is slow").await;
    changes(&mut alice).await;
    world.store.remove_member(world.room, user("alice"), user("bob")).await.unwrap();
    // Heard after the removal was.
    world.say("alice", "alone at last").await;
    changes(&mut alice).await;
    assert_eq!(end(&mut bob).await, CloseCode::NotAMember);
}

#[tokio::test]
async fn taking_out_somebody_who_does_not_listen_disturbs_nobody() {
    let world = World::usual().await;
    let mut alice = world.listen("alice", 0).await;
    world.store.remove_member(world.room, user("alice"), user("bob")).await.unwrap();
    nothing(&mut alice).await;
    world.say("alice", "hi").await;
    assert_eq!(changes(&mut alice).await.len(), 1);
}

/// Bob is let in and taken out over and over while he joins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_stream_outlives_a_removal_however_closely_the_two_meet() {
    let world = Arc::new(World::usual().await);
    let mut watching = world.listen("alice", 0).await;
    let joining = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            loop {
                let mut subscription = match world.try_join("bob", 0, Rendering::Socket).await {
                    Ok(subscription) => subscription,
                    Err(JoinError::Store(StoreError::NotAMember)) => continue,
                    Err(error) => panic!("{error}"),
                };
                loop {
                    match super::event(&mut subscription).await {
                        Event::End(CloseCode::NotAMember) => break,
                        Event::End(CloseCode::GoingAway) => return,
                        Event::End(other) => panic!("{other:?}"),
                        Event::Data(_) => {}
                    }
                }
            }
        }
    });
    for _ in 0..300 {
        world.store.remove_member(world.room, user("alice"), user("bob")).await.unwrap();
        let gone = Instant::now() + super::DEADLINE;
        while world.hub.listeners() > 1 {
            assert!(Instant::now() < gone, "bob still listens");
            tokio::task::yield_now().await;
        }
        world.store.add_member(world.room, user("alice"), user("bob")).await.unwrap();
    }
    nothing(&mut watching).await;
    world.hub.close();
    joining.await.unwrap();
}

#[tokio::test]
async fn what_is_said_in_the_very_commit_that_takes_somebody_out_does_not_reach_them() {
    let world = World::usual().await;
    let mut bob = world.listen("bob", 0).await;
    // The disk stalls until both wait for it.
    let disk = world.lock_the_database();
    let (removed, said) =
        tokio::join!(world.store.remove_member(world.room, user("alice"), user("bob")), async {
            let said = world.say("alice", "without bob");
            let released = async {
                tokio::task::yield_now().await; // by now both are in the writer's queue
                disk.execute_batch("ROLLBACK").unwrap();
            };
            tokio::join!(said, released).0
        });
    removed.unwrap();
    assert_eq!(said.seq.get(), 1);
    assert_eq!(end(&mut bob).await, CloseCode::NotAMember);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let world = World::usual().await;
    let join = Join {
        room: world.room,
        user: user("bob"),
        expires: Instant::now() + Duration::from_millis(200),
        after: Seq::START,
        rendering: Rendering::Sse,
    };
    let began = Instant::now();
    let mut bob = world.hub.join(&world.store, join).await.unwrap();
    assert_eq!(end(&mut bob).await, CloseCode::TokenExpired);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn who_listens_to_a_room_that_was_set_back_is_sent_away_and_told_why_at_the_door() {
    let world = World::usual().await;
    let mut bob = world.join("bob", 0).await;
    changes(&mut bob).await;
    for n in 1..=5 {
        world.say("alice", &format!("first life {n}")).await;
    }
    let mut heard = 0;
    while heard < 5 {
        heard += changes(&mut bob).await.len();
    }
    // As after a failover to a standby that lacked the last commits.
    let sql = "DELETE FROM messages WHERE seq > 2; UPDATE rooms SET last_id = 2, last_seq = 2";
    Connection::open(world.folder.path().join("chat.db")).unwrap().execute_batch(sql).unwrap();
    world.say("alice", "second life").await;
    assert_eq!(end(&mut bob).await, CloseCode::GoingAway);
    let refused = world.try_join("bob", 5, Rendering::Socket).await.map(drop);
    assert!(matches!(refused, Err(JoinError::Store(StoreError::CursorAhead { .. }))), "{refused:?}");
    // Even while the one that was sent away has not left its place.
    let mut anew = world.join("bob", 0).await;
    assert_eq!(changes(&mut anew).await.len(), 3);
    world.say("alice", "and on").await;
    assert_eq!(changes(&mut anew).await.len(), 1);
}
