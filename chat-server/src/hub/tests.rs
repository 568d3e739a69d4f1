//! The hub on a real store, without HTTP.

mod bounds;
mod direct;
mod exactness;
mod rights;

use super::{Batching, Bounds, Event, Hub, Join, JoinError, Rendering, Subscription};
use crate::socket::frames;
use crate::store::{NewMessage, NewRoom, Options, Store, StoreThreads};
use chat_protocol::{CloseCode, Message, MessageText, Page, RoomId, Seq, ServerFrame, TransactionId, UserId};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

const DEADLINE: Duration = Duration::from_secs(30);

/// A store with one room, and its hub.
struct World {
    store: Store,
    hub: Hub,
    room: RoomId,
    _threads: StoreThreads,
    folder: TempDir,
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

impl World {
    /// With alice and bob in the room.
    async fn new(bounds: Bounds, batching: Batching) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(bounds, batching, Arc::default());
        let board = hub.clone();
        let announce = move |notices: &[_]| board.announce(notices);
        let (store, threads) =
            Store::open(folder.path().join("chat.db"), Options::default(), announce).await.unwrap();
        let room =
            NewRoom { creator: user("alice"), title: "t".into(), members: vec![user("bob")], key: None };
        let room = store.create_room(room).await.unwrap().id;
        Self { store, hub, room, _threads: threads, folder }
    }

    async fn usual() -> Self {
        Self::new(Bounds::default(), Batching::default()).await
    }

    /// Lets no commit through until it is rolled back.
    fn lock_the_database(&self) -> Connection {
        let connection = Connection::open(self.folder.path().join("chat.db")).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    async fn say(&self, sender: &str, text: &str) -> Message {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let key = format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let message = NewMessage {
            room: self.room,
            sender: user(sender),
            transaction_id: TransactionId::new(key).unwrap(),
            text: MessageText::new(text).unwrap(),
        };
        self.store.send(message).await.unwrap()
    }

    async fn try_join(
        &self,
        name: &str,
        after: i64,
        rendering: Rendering,
    ) -> Result<Subscription, JoinError> {
        self.try_join_in(self.room, name, after, rendering).await
    }

    async fn try_join_in(
        &self,
        room: RoomId,
        name: &str,
        after: i64,
        rendering: Rendering,
    ) -> Result<Subscription, JoinError> {
        let join = Join {
            room,
            user: user(name),
            expires: Instant::now() + Duration::from_secs(3_600),
            after: Seq::new(after).unwrap(),
            rendering,
        };
        self.hub.join(&self.store, join).await
    }

    /// As a socket, of which the first frame is still to come.
    async fn join(&self, name: &str, after: i64) -> Subscription {
        self.try_join(name, after, Rendering::Socket).await.unwrap()
    }

    /// As a socket that has nothing to catch up with.
    async fn listen(&self, name: &str, after: i64) -> Subscription {
        let mut subscription = self.join(name, after).await;
        assert_eq!(changes(&mut subscription).await, []);
        subscription
    }
}

async fn event(subscription: &mut Subscription) -> Event {
    timeout(DEADLINE, subscription.next()).await.expect("nothing comes")
}

/// The messages of the next frame.
async fn changes(subscription: &mut Subscription) -> Vec<Message> {
    let Event::Data(bytes) = event(subscription).await else { panic!("the end") };
    let frame = serde_json::from_slice(frames::payload(&bytes)).unwrap();
    let ServerFrame::Changes { messages, cursor } = frame else { panic!() };
    assert!(messages.last().is_none_or(|last| last.seq == cursor));
    messages
}

async fn page(subscription: &mut Subscription) -> Page {
    let Event::Data(bytes) = event(subscription).await else { panic!("the end") };
    serde_json::from_slice(&bytes).unwrap()
}

/// Why it ends, with nothing before that.
async fn end(subscription: &mut Subscription) -> CloseCode {
    match event(subscription).await {
        Event::End(why) => why,
        Event::Data(bytes) => panic!("{} bytes", bytes.len()),
    }
}

async fn nothing(subscription: &mut Subscription) {
    let event = timeout(Duration::from_millis(50), subscription.next()).await;
    assert!(event.is_err(), "{event:?}");
}
