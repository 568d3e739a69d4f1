//! Sixteen writers at once, and readers who follow them by cursor. On PostgreSQL through two stores, as two
//! nodes have them.
//!
//! Whatever the order: ids have no holes, every change has a seq of its own, and no reader ever misses what
//! became visible behind its cursor.

use crate::common::{Place, World, id, new, seq, text, user};
use chat_protocol::{Message, RoomId};
use chat_server::store::{PageRequest, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

const WRITERS: usize = 16;
const ROOMS: usize = 3;
const CHANGES: usize = 60;

/// A seed for each run, so that a failure can be looked at again; another one by `CHAT_SEED`.
fn seed(usual: u64) -> u64 {
    std::env::var("CHAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(usual)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_leave_no_hole_and_no_reader_behind_on_sqlite() {
    for usual in 1..=4 {
        let place = Place::file();
        let world = place.open().await;
        check(&world, vec![world.store.clone()], seed(usual)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_leave_no_hole_and_no_reader_behind_on_two_nodes() {
    for usual in 1..=4 {
        let place = Place::postgres();
        let (one, two) = (place.open().await, place.open().await);
        check(&one, vec![one.store.clone(), two.store.clone()], seed(usual)).await;
    }
}

#[allow(clippy::print_stdout)] // shown where the test fails
async fn check(world: &World, nodes: Vec<Store>, seed: u64) {
    println!("seed {seed}");
    let names: Vec<String> = (0..WRITERS).map(|n| format!("w{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        rooms.push(world.room(&names).await);
    }
    let running = Arc::new(AtomicUsize::new(WRITERS));
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let writer = Writer {
            name: format!("w{n}"),
            nodes: nodes.clone(),
            rooms: rooms.clone(),
            random: fastrand::Rng::with_seed(seed * 1_000 + n as u64),
            own: Vec::new(),
            made: Vec::new(),
        };
        let running = Arc::clone(&running);
        writers.spawn(async move {
            let made = writer.run().await;
            running.fetch_sub(1, Ordering::SeqCst);
            made
        });
    }
    let mut readers = JoinSet::new();
    for (n, room) in rooms.iter().enumerate().flat_map(|(n, room)| [(n, *room), (n + 7, *room)]) {
        let random = fastrand::Rng::with_seed(seed * 1_000 + 500 + n as u64);
        readers.spawn(follow(nodes.clone(), room, Arc::clone(&running), random));
    }
    let made: Vec<(RoomId, Message)> = writers.join_all().await.into_iter().flatten().collect();
    let seen = readers.join_all().await;
    for room in rooms {
        let made: Vec<&Message> = made.iter().filter(|made| made.0 == room).map(|made| &made.1).collect();
        let newest = is_whole(world, room, &made).await;
        for seen in seen.iter().filter(|seen| seen.0 == room) {
            assert_eq!(seen.1, newest, "what a reader ends with");
        }
    }
}

/// Checks what a room holds against what its writers were told; returns each message's last seq.
async fn is_whole(world: &World, room: RoomId, made: &[&Message]) -> BTreeMap<i64, i64> {
    let (mut kept, mut cursor) = (BTreeMap::new(), 0);
    while let Some(page) = world.after(room, "alice", cursor).await {
        cursor = page.cursor.get();
        kept.extend(page.messages.into_iter().map(|message| (message.id.get(), message)));
    }
    assert!(kept.keys().copied().eq(1..=kept.len() as i64), "ids are dense");
    let seqs: BTreeSet<i64> = made.iter().map(|message| message.seq.get()).collect();
    assert!(seqs.iter().copied().eq(1..=made.len() as i64), "each change has a seq of its own");
    assert_eq!(seqs.last().copied().unwrap_or(0), cursor);
    for message in made {
        let kept = &kept[&message.id.get()];
        assert!(kept.seq >= message.seq, "a confirmed change was lost");
        if kept.seq == message.seq {
            assert_eq!(
                (&kept.text, kept.deleted, kept.edited_at),
                (&message.text, message.deleted, message.edited_at)
            );
        }
    }
    kept.into_iter().map(|(id, message)| (id, message.seq.get())).collect()
}

struct Writer {
    name: String,
    nodes: Vec<Store>,
    rooms: Vec<RoomId>,
    random: fastrand::Rng,
    /// What it said: the room, its key, the words, and the message.
    own: Vec<(RoomId, String, String, i64)>,
    /// Every change that it was told it had made.
    made: Vec<(RoomId, Message)>,
}

impl Writer {
    async fn run(mut self) -> Vec<(RoomId, Message)> {
        for n in 0..CHANGES {
            let store = self.random.choice(&self.nodes).unwrap().clone();
            let what = self.random.u8(0..100);
            match self.random.choice(&self.own).cloned() {
                Some((room, key, said, _)) if what < 10 => self.replay(&store, room, &key, &said).await,
                Some((room, .., at)) if what < 25 => self.edit(&store, room, at, n).await,
                Some((room, .., at)) if what < 35 => self.delete(&store, room, at).await,
                Some((room, .., at)) if what < 40 => {
                    store.mark_read(room, user(&self.name), id(at)).await.unwrap();
                }
                _ => self.say(&store, n).await,
            }
        }
        self.made
    }

    async fn say(&mut self, store: &Store, n: usize) {
        let room = *self.random.choice(&self.rooms).unwrap();
        let (key, said) = (format!("key-{n}"), format!("words {n} of {}", self.name));
        // Twice at once now and then, as a client does whose answer is late: both are the same message.
        let first = store.send(new(room, &self.name, &key, &said));
        let message = if self.random.u8(0..8) == 0 {
            let other = self.random.choice(&self.nodes).unwrap().clone();
            let (first, second) = tokio::join!(first, other.send(new(room, &self.name, &key, &said)));
            assert_eq!(first.as_ref().unwrap(), &second.unwrap());
            first.unwrap()
        } else {
            first.await.unwrap()
        };
        self.own.push((room, key, said, message.id.get()));
        self.made.push((room, message));
    }

    async fn replay(&mut self, store: &Store, room: RoomId, key: &str, said: &str) {
        let again = store.send(new(room, &self.name, key, said)).await.unwrap();
        assert!(self.own.iter().any(|own| own.0 == room && own.3 == again.id.get()));
        let other = store.send(new(room, &self.name, key, "something else")).await;
        // What a deleted one said nobody knows.
        let known = matches!(&other, Ok(message) if message.deleted && message.id == again.id);
        assert!(known || matches!(other, Err(StoreError::IdempotencyKeyReused)), "{other:?}");
    }

    async fn edit(&mut self, store: &Store, room: RoomId, at: i64, n: usize) {
        let words = text(&format!("edit {n} of {}", self.name));
        match store.edit(room, id(at), user(&self.name), words).await {
            Ok(message) => self.made.push((room, message)),
            Err(StoreError::MessageDeleted) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn delete(&mut self, store: &Store, room: RoomId, at: i64) {
        let message = store.delete(room, id(at), user(&self.name)).await.unwrap();
        // The second time it is answered as it stands.
        if !self.made.iter().any(|made| made.0 == room && made.1.seq == message.seq) {
            self.made.push((room, message));
        }
    }
}

/// Reads a room by cursor, now here, now there, until nobody writes and nothing is left.
async fn follow(
    nodes: Vec<Store>,
    room: RoomId,
    running: Arc<AtomicUsize>,
    mut random: fastrand::Rng,
) -> (RoomId, BTreeMap<i64, i64>) {
    let (mut cursor, mut seen) = (0, BTreeMap::new());
    loop {
        let last = running.load(Ordering::SeqCst) == 0;
        let store = random.choice(&nodes).unwrap();
        let request = PageRequest::After { cursor: seq(cursor), limit: random.u32(1..20) };
        match store.page(room, user("alice"), request).await.unwrap() {
            None if last => return (room, seen),
            None => tokio::task::yield_now().await,
            Some(page) => {
                for message in &page.messages {
                    assert!(message.seq.get() > cursor, "in order, each once");
                    cursor = message.seq.get();
                    seen.insert(message.id.get(), cursor);
                }
                assert_eq!(page.cursor.get(), cursor);
            }
        }
    }
}
