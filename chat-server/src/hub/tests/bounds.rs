//! How many, and how far behind.

use super::exactness::seqs;
use super::{Batching, Bounds, Rendering, World, changes, end, event, user};
use crate::hub::{Event, JoinError};
use crate::store::NewRoom;
use chat_protocol::CloseCode;

#[tokio::test]
async fn listeners_are_bounded_in_all_per_room_and_per_user_and_a_place_given_back_is_free() {
    let bounds = Bounds { listeners: 4, per_room: 3, per_user: 2, ..Bounds::default() };
    let world = World::new(bounds, Batching::default()).await;
    let join = |name| world.try_join(name, 0, Rendering::Sse);
    let first = join("alice").await.unwrap();
    let _second = join("alice").await.unwrap();
    assert!(matches!(join("alice").await, Err(JoinError::TooManyOfUser)));
    let _third = join("bob").await.unwrap();
    assert!(matches!(join("bob").await, Err(JoinError::Full)));
    drop(first);
    let _fourth = join("bob").await.unwrap();
    assert_eq!(world.hub.listeners(), 3);
}

#[tokio::test]
async fn one_user_does_not_take_everybodys_places_by_making_rooms() {
    let bounds = Bounds { listeners: 100, per_user: 2, per_user_in_all: 3, ..Bounds::default() };
    let world = World::new(bounds, Batching::default()).await;
    let mut rooms = vec![world.room];
    for _ in 0..2 {
        let room =
            NewRoom { creator: user("alice"), title: "t".into(), members: vec![user("bob")], key: None };
        rooms.push(world.store.create_room(room).await.unwrap().id);
    }
    let join = |name, room: usize| world.try_join_in(rooms[room], name, 0, Rendering::Sse);
    let mut places = vec![];
    for room in 0..3 {
        places.push(join("alice", room).await.unwrap());
    }
    for room in 0..3 {
        assert!(matches!(join("alice", room).await, Err(JoinError::TooManyOfUser)));
    }
    let _bob = join("bob", 0).await.unwrap();
    places.pop();
    places.push(join("alice", 0).await.unwrap());
    assert!(matches!(join("alice", 1).await, Err(JoinError::TooManyOfUser)));
    drop(places);
    let mut again = vec![];
    for room in 0..3 {
        again.push(join("alice", room).await.unwrap());
    }
    assert_eq!(world.hub.listeners(), 4);
}

#[tokio::test]
async fn who_goes_on_reading_is_never_too_slow() {
    let bounds = Bounds { backlog: 1_024, ..Bounds::default() };
    let world = World::new(bounds, Batching::default()).await;
    let mut bob = world.listen("bob", 0).await;
    for _ in 0..100 {
        world.say("alice", &"x".repeat(2_000)).await;
        assert_eq!(changes(&mut bob).await.len(), 1, "one that is larger than the bound is taken too");
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_to_resume_and_keeps_nothing() {
    let bounds = Bounds { backlog: 10_000, ..Bounds::default() };
    let world = World::new(bounds, Batching::default()).await;
    let (mut slow, mut quick) = (world.listen("bob", 0).await, world.listen("bob", 0).await);
    for _ in 0..100 {
        world.say("alice", &"x".repeat(500)).await;
        changes(&mut quick).await;
    }
    assert_eq!(end(&mut slow).await, CloseCode::SlowReader);
    drop(slow);
    let (mut back, mut missed) = (world.join("bob", 0).await, 0);
    while missed < 100 {
        missed += changes(&mut back).await.len();
    }
}

#[tokio::test]
async fn what_was_missed_comes_in_pieces_no_larger_than_what_may_wait() {
    let bounds = Bounds { backlog: 10_000, ..Bounds::default() };
    let world = World::new(bounds, Batching::default()).await;
    for _ in 0..50 {
        world.say("alice", &"x".repeat(2_000)).await;
    }
    for rendering in [Rendering::Sse, Rendering::Socket] {
        let mut bob = world.try_join("bob", 0, rendering).await.unwrap();
        let mut heard = vec![];
        while heard.len() < 50 {
            let Event::Data(bytes) = event(&mut bob).await else { panic!("the end") };
            assert!(bytes.len() < 10_000, "{}", bytes.len());
            heard.extend(seqs(rendering, &bytes));
        }
        assert_eq!(heard, (1..=50).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn after_the_end_nobody_is_let_in() {
    let world = World::usual().await;
    world.hub.close();
    assert!(matches!(world.try_join("bob", 0, Rendering::Sse).await, Err(JoinError::Closing)));
}

#[tokio::test]
async fn what_is_ready_when_the_server_stops_is_still_given_out() {
    let world = World::usual().await;
    let (mut bob, mut witness) = (world.listen("bob", 0).await, world.listen("alice", 0).await);
    world.say("alice", "last words").await;
    changes(&mut witness).await;
    world.hub.close();
    assert_eq!(changes(&mut bob).await[0].text, "last words");
    assert_eq!(end(&mut bob).await, CloseCode::GoingAway);
}

#[tokio::test]
async fn a_room_that_everybody_left_opens_again() {
    let world = World::usual().await;
    for round in 0..20 {
        let mut bob = world.listen("bob", round).await;
        world.say("alice", "hi").await;
        assert_eq!(changes(&mut bob).await.len(), 1);
        drop(bob);
        assert_eq!(world.hub.listeners(), 0);
    }
}
