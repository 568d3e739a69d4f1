//! A database for each test, of either kind.

use chat_protocol::{Message, MessageId, MessageText, Page, RoomId, Seq, TransactionId, UserId};
use chat_server::store::{
    Changed, Database, NewMessage, NewRoom, Options, PageRequest, Store, StoreError, StoreThreads,
};
use chat_testkit::services::Postgres;
use std::any::Any;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Declares tests that run on both kinds of database, as `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($place:ident: Place) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$attribute])*
            async fn run($place: Place) $body

            #[tokio::test]
            async fn sqlite() {
                run(Place::file()).await;
            }

            #[tokio::test]
            async fn postgres() {
                run(Place::postgres()).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// Where a database is.
pub(crate) struct Place {
    pub(crate) database: Database,
    /// Of PostgreSQL's, with the password.
    url: Option<String>,
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { database: folder.path().join("chat.db").into(), url: None, _folder: Some(folder) }
    }

    pub(crate) fn postgres() -> Self {
        let url = Postgres::shared().database();
        Self { url: Some(url.clone()), ..Self::at(url.parse().unwrap()) }
    }

    pub(crate) fn at(database: Database) -> Self {
        Self { database, url: None, _folder: None }
    }

    /// Keeps everybody from changing `room`, on SQLite any room, until what is returned is dropped.
    pub(crate) fn lock(&self, room: RoomId) -> Box<dyn Any> {
        match &self.database {
            Database::File(path) => {
                let other = rusqlite::Connection::open(path).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                Box::new(other)
            }
            Database::Postgres(_) => {
                let url = self.url.as_ref().unwrap();
                let lock = format!("SELECT 1 FROM rooms WHERE id = {room} FOR UPDATE");
                Box::new(Postgres::shared().hold(url, &lock))
            }
        }
    }

    pub(crate) async fn open(&self) -> World {
        self.open_with(Options::default()).await
    }

    pub(crate) async fn open_with(&self, options: Options) -> World {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let announce = move |notices: &[Changed]| log.lock().unwrap().extend_from_slice(notices);
        let (store, threads) = Store::open(self.database.clone(), options, announce).await.unwrap();
        World { store, told, _threads: threads }
    }
}

/// An open store, and what it has announced.
pub(crate) struct World {
    pub(crate) store: Store,
    told: Arc<Mutex<Vec<Changed>>>,
    _threads: StoreThreads,
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn text(text: &str) -> MessageText {
    MessageText::new(text).unwrap()
}

pub(crate) fn id(id: i64) -> MessageId {
    MessageId::new(id).unwrap()
}

pub(crate) fn seq(seq: i64) -> Seq {
    Seq::new(seq).unwrap()
}

pub(crate) fn ids(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.id.get()).collect()
}

pub(crate) fn seqs(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.seq.get()).collect()
}

pub(crate) fn new(room: RoomId, sender: &str, key: &str, said: &str) -> NewMessage {
    NewMessage {
        room,
        sender: user(sender),
        transaction_id: TransactionId::new(key).unwrap(),
        text: text(said),
    }
}

impl World {
    /// A room of alice's and these.
    pub(crate) async fn room(&self, members: &[&str]) -> RoomId {
        let members = members.iter().map(|name| user(name)).collect();
        let room = NewRoom { creator: user("alice"), title: "t".into(), members, key: None };
        self.store.create_room(room).await.unwrap().id
    }

    pub(crate) async fn say(&self, room: RoomId, sender: &str, key: &str, said: &str) -> Message {
        self.store.send(new(room, sender, key, said)).await.unwrap()
    }

    pub(crate) async fn page(&self, room: RoomId, reader: &str, request: PageRequest) -> Option<Page> {
        self.store.page(room, user(reader), request).await.unwrap()
    }

    pub(crate) async fn after(&self, room: RoomId, reader: &str, cursor: i64) -> Option<Page> {
        self.page(room, reader, PageRequest::After { cursor: seq(cursor), limit: 500 }).await
    }

    /// What was announced since the last look.
    pub(crate) fn told(&self) -> Vec<Changed> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

/// Checks that this was refused for that reason.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>, why: &str) {
    let error = outcome.expect_err("it was let through");
    assert!(format!("{error:?}").starts_with(why), "{error:?}");
}
