//! Rooms, members and messages.
//!
//! [`Store`] is all that the rest of the server sees: async methods that take and return wire types
//! and fail with [`StoreError`]. Nothing of a database shows through. Behind it stands one of two, each
//! an implementation of one trait (`backend`): a SQLite file (`sqlite`), or a PostgreSQL server that
//! several nodes share (`postgres`).

pub mod admin;
mod backend;
mod error;
mod expiry;
mod model;
mod notices;
pub(crate) mod postgres;
mod sql;
mod sqlite;

pub use error::{OpenError, StoreError};
pub use model::{Changes, Missed, NewMessage, NewRoom, PAGE_BYTES, PageRequest};
pub use notices::{Announce, Changed};
pub use postgres::{InvalidUrl, PostgresUrl};

use crate::metrics::{self, Metrics};
use backend::Backend;
use chat_protocol::{
    Message, MessageId, MessageText, Page, ReadMarker, Room, RoomId, RoomSummary, Seq, UserId,
};
use model::Creation;
use postgres::Postgres;
use prometheus_client::metrics::counter::Counter;
use sqlite::Sqlite;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Where the messages are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// In a SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database.
    Postgres(PostgresUrl),
}

/// Neither the path of a file nor a URL of PostgreSQL. It does not say what was given, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither a file nor PostgreSQL: give a path, or a URL that begins with postgres://")]
pub struct InvalidDatabase;

impl FromStr for Database {
    type Err = InvalidDatabase;

    /// Anything that is no URL is a path. What else a `postgres://` URL says is looked at when it is used.
    fn from_str(given: &str) -> Result<Self, InvalidDatabase> {
        if !PostgresUrl::is_meant(given) {
            return Ok(Self::File(given.into()));
        }
        let url = PostgresUrl::new(given);
        if url.is_postgres() { Ok(Self::Postgres(url)) } else { Err(InvalidDatabase) }
    }
}

/// Without the password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// How much may wait, and how many read at once.
#[derive(Debug, Clone)]
pub struct Options {
    /// Writes that may wait for the writer.
    pub writer_queue: usize,
    /// Reads that may wait for a reader.
    pub reader_queue: usize,
    /// Reader threads.
    pub readers: usize,
    /// Connections to PostgreSQL.
    pub connections: usize,
    /// How long an idempotency key is kept; `None` for good.
    pub keep_keys: Option<Duration>,
    /// Where it is counted.
    pub metrics: metrics::Store,
}

/// PostgreSQL takes 100 by default: that is for some nodes, and a backup beside them. Few are enough, as each is
/// busy for a millisecond or two.
const CONNECTIONS: usize = 16;

/// A phone that lay in a drawer all summer sends what its owner wrote before, and may have sent it already.
const KEEP_KEYS: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        // 1,024 waiting writes are about four full group commits: well under a second of work, so a
        // full queue means that the disk stalls, not that people are talking.
        Self {
            writer_queue: 1_024,
            reader_queue: 4_096,
            readers: cores.clamp(2, 8),
            connections: CONNECTIONS,
            keep_keys: Some(KEEP_KEYS),
            metrics: Metrics::new().store,
        }
    }
}

/// A handle to the database. Cheap to clone; the database closes when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    metrics: metrics::Store,
}

/// The threads behind a [`Store`].
pub struct StoreThreads(Vec<JoinHandle<()>>);

impl StoreThreads {
    /// Waits until every handle is gone and the connections are closed, the writer's last: it then
    /// folds the log into the database file. Never returns while a [`Store`] is still held.
    pub fn join(self) {
        for thread in self.0 {
            // A panic was logged where it happened; there is nothing left to do about it here.
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens the database, makes it if there is none, and brings its schema up to date. `announce` is
    /// told of every change to a room's messages and of everybody taken out of one.
    ///
    /// # Errors
    /// [`OpenError`] when the database cannot be opened, is not one of ours, or was written by a newer
    /// version.
    pub async fn open(
        database: impl Into<Database>,
        options: Options,
        announce: impl Fn(&[Changed]) + Send + Sync + 'static,
    ) -> Result<(Self, StoreThreads), OpenError> {
        let (backend, threads): (Arc<dyn Backend>, _) = match database.into() {
            Database::File(path) => {
                let (sqlite, threads) = Sqlite::open(&path, &options, Arc::new(announce))?;
                (Arc::new(sqlite), threads)
            }
            Database::Postgres(url) => {
                let postgres = Postgres::open(&url, &options, Arc::new(announce)).await?;
                (Arc::new(postgres), StoreThreads(Vec::new()))
            }
        };
        if let Some(keep) = options.keep_keys {
            tokio::spawn(expiry::run(Arc::downgrade(&backend), keep));
        }
        Ok((Self { backend, metrics: options.metrics }, threads))
    }

    /// Whether the database answers, to a reader and to the writer.
    ///
    /// # Errors
    /// Any [`StoreError`] but those about rooms.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.backend.ping().await
    }

    /// Makes a room, or finds the one made under the same key before, which is answered as it was then. Its members are
    /// those named and its creator, each once.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyKeyReused`], [`StoreError::Busy`] or a failing database.
    pub async fn create_room(&self, room: NewRoom) -> Result<Room, StoreError> {
        let NewRoom { creator, title, members, key } = room;
        let mut members: BTreeSet<UserId> = members.into_iter().collect();
        members.insert(creator.clone());
        let creation = key.map(|key| Creation::of(creator, key, &title, &members));
        self.write(self.backend.create_room(title, members, creation)).await
    }

    /// The rooms of `user` by number, each with its newest message and what `user` has not read.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or a failing database.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomSummary>, StoreError> {
        self.read(self.backend.rooms_of(user)).await
    }

    /// Lets `user` into `room` on behalf of the member `caller`. Does nothing when already in.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`] about `caller`, or a failing database.
    pub async fn add_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        self.write(self.backend.add_member(room, caller, user)).await
    }

    /// Takes `user` out of `room` on behalf of the member `caller`. Does nothing when already out.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`] about `caller` (except for leaving a
    /// room twice), or a failing database.
    pub async fn remove_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        self.write(self.backend.remove_member(room, caller, user)).await
    }

    /// Stores a message, or finds the one stored under the same key before. Returns only after the
    /// message is on the disk. Dropping the future does not undo it.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::IdempotencyKeyReused`],
    /// [`StoreError::Busy`] or a failing database.
    pub async fn send(&self, message: NewMessage) -> Result<Message, StoreError> {
        self.write(self.backend.send(message)).await
    }

    /// Gives the message `id`, which `caller` wrote, another text. The text it has already changes
    /// nothing. Returns only after the change is on the disk.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::MessageNotFound`],
    /// [`StoreError::NotTheSender`], [`StoreError::MessageDeleted`], [`StoreError::Busy`] or a failing
    /// database.
    pub async fn edit(
        &self,
        room: RoomId,
        id: MessageId,
        caller: UserId,
        text: MessageText,
    ) -> Result<Message, StoreError> {
        self.write(self.backend.edit(room, id, caller, text)).await
    }

    /// Takes the text of the message `id`, which `caller` wrote, and returns the tombstone. Does
    /// nothing when it is one already. Returns only after the change is on the disk.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::MessageNotFound`],
    /// [`StoreError::NotTheSender`], [`StoreError::Busy`] or a failing database.
    pub async fn delete(&self, room: RoomId, id: MessageId, caller: UserId) -> Result<Message, StoreError> {
        self.write(self.backend.delete(room, id, caller)).await
    }

    /// Moves `reader`'s marker in `room` forward to `id`, never back, and returns where it is.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::MarkerAhead`],
    /// [`StoreError::Busy`] or a failing database.
    pub async fn mark_read(
        &self,
        room: RoomId,
        reader: UserId,
        id: MessageId,
    ) -> Result<ReadMarker, StoreError> {
        self.write(self.backend.mark_read(room, reader, id)).await
    }

    /// A page of `room` as `reader` may see it; `None` when nothing is new.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::CursorAhead`],
    /// [`StoreError::Busy`] or a failing database.
    pub async fn page(
        &self,
        room: RoomId,
        reader: UserId,
        request: PageRequest,
    ) -> Result<Option<Page>, StoreError> {
        self.read(self.backend.page(room, reader, request)).await
    }

    /// What `reader` has missed after `cursor`, at most so many messages and bytes of JSON, for whoever will
    /// go on listening.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn missed(
        &self,
        room: RoomId,
        reader: UserId,
        cursor: Seq,
        most: (u32, usize),
    ) -> Result<Missed, StoreError> {
        self.read(self.backend.missed(room, reader, cursor, most)).await
    }

    /// A page of what has changed in `room` after `after`, for everybody who listens to it; and who is
    /// in the room, unless the number of removals is still the one known.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::CursorAhead`] when the database was set back, [`StoreError::Busy`] or a
    /// failing database.
    pub async fn changes(
        &self,
        room: RoomId,
        after: Seq,
        known_removals: i64,
    ) -> Result<Changes, StoreError> {
        self.read(self.backend.changes(room, after, known_removals)).await
    }

    /// Every read is answered here, and counted if it is turned away.
    async fn read<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        counted(asked.await, &self.metrics.busy_reads)
    }

    /// And every write.
    async fn write<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        counted(asked.await, &self.metrics.busy_writes)
    }
}

fn counted<T>(outcome: Result<T, StoreError>, busy: &Counter) -> Result<T, StoreError> {
    if let Err(StoreError::Busy(_)) = &outcome {
        busy.inc();
    }
    outcome
}
