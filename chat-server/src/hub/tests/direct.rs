//! Connections that the room writes to by itself.

use super::exactness::seqs;
use super::{World, changes, event};
use crate::hub::{Batching, Bounds, Direct, Event, Rendering};
use bytes::Bytes;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What reached a peer, whichever way.
#[derive(Debug, Default)]
struct FakeConnection {
    written: Mutex<Vec<Bytes>>,
    directly: AtomicBool,
    /// Takes nothing more, or takes it at random.
    full: AtomicBool,
    fickle: bool,
}

impl Direct for FakeConnection {
    fn offer(&self, bytes: &Bytes) -> bool {
        if self.full.load(Ordering::Relaxed) || (self.fickle && fastrand::bool()) {
            return false;
        }
        self.directly.store(true, Ordering::Relaxed);
        self.written.lock().unwrap().push(bytes.clone());
        true
    }
}

impl FakeConnection {
    fn seqs(&self) -> Vec<i64> {
        self.written.lock().unwrap().iter().flat_map(|bytes| seqs(Rendering::Socket, bytes)).collect()
    }
}

async fn eventually(is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(super::DEADLINE, looking).await.expect("it never was so");
}

#[tokio::test]
async fn only_a_connection_that_waits_is_written_to() {
    let world = World::usual().await;
    let connection = Arc::new(FakeConnection::default());
    let mut bob = world.listen("bob", 0).await;
    bob.write_directly(Arc::clone(&connection) as _);
    let mut other = world.listen("bob", 0).await;
    for text in ["while its task is busy", "while it still is"] {
        world.say("alice", text).await;
        assert_eq!(changes(&mut other).await.len(), 1);
    }
    assert!(connection.seqs().is_empty(), "it has not come for them yet");
    while let Ok(Event::Data(bytes)) = timeout(Duration::from_millis(50), bob.next()).await {
        connection.written.lock().unwrap().push(bytes);
    }
    assert_eq!(connection.seqs(), [1, 2]);

    world.say("alice", "while it waits").await;
    eventually(|| connection.seqs() == [1, 2, 3]).await;

    connection.full.store(true, Ordering::Relaxed);
    world.say("alice", "while it is full").await;
    assert_eq!(changes(&mut bob).await.len(), 1);
    assert_eq!(connection.seqs(), [1, 2, 3]);
}

#[tokio::test]
async fn a_busy_connection_hears_the_reason_to_stop() {
    let world = World::new(Bounds { backlog: 1, ..Bounds::default() }, Batching::default()).await;
    let mut bob = world.listen("bob", 0).await;
    for _ in 0..3 {
        world.say("alice", "too much").await;
    }
    let why = timeout(super::DEADLINE, poll_fn(|cx| bob.poll_end(cx))).await;
    assert_eq!(why.unwrap(), chat_protocol::CloseCode::SlowReader);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_way_it_is_written_the_order_stays() {
    const LAST: i64 = 1_500;
    let world =
        Arc::new(World::new(Bounds { backlog: 16 << 20, ..Bounds::default() }, Batching::default()).await);
    let mut talkers = JoinSet::new();
    for talker in ["alice", "bob", "alice", "bob", "alice"] {
        let world = Arc::clone(&world);
        talkers.spawn(async move {
            for _ in 0..LAST / 5 {
                world.say(talker, "on and on").await;
            }
        });
    }
    let mut followers = JoinSet::new();
    for _ in 0..8 {
        let connection = Arc::new(FakeConnection { fickle: true, ..FakeConnection::default() });
        let mut subscription = world.join("bob", 0).await;
        subscription.write_directly(Arc::clone(&connection) as _);
        followers.spawn(async move {
            let writing = async {
                loop {
                    let Event::Data(bytes) = event(&mut subscription).await else { panic!("the end") };
                    tokio::task::yield_now().await; // what a room does now must wait
                    connection.written.lock().unwrap().push(bytes);
                }
            };
            tokio::select! {
                () = writing => {}
                () = eventually(|| connection.seqs().last() == Some(&LAST)) => {}
            }
            assert!(connection.seqs().into_iter().eq(1..=LAST), "out of order");
            assert!(connection.directly.load(Ordering::Relaxed), "both ways were taken");
        });
    }
    talkers.join_all().await;
    followers.join_all().await;
}
