//! Rooms, members and messages, kept in one SQLite file.
//!
//! [`Store`] is all that the rest of the server sees: async methods that take and return wire types
//! and fail with [`StoreError`]. Nothing of SQLite shows through, so that another database can stand
//! behind the same methods.
//!
//! # How it is kept
//! - **One writer** thread owns the only connection that writes. Jobs that wait are taken together
//!   into one transaction, each in a savepoint of its own, and answered after the commit: under load
//!   one sync to the disk confirms many messages (`writer`).
//! - **A few readers**, each a thread with its own connection. WAL lets them read while the writer
//!   writes; each question is one transaction, so a page and its cursor are of one moment (`reader`).
//! - Both queues are bounded. When one is full the answer is [`StoreError::Busy`], at once.
//! - `synchronous=FULL`: what was confirmed survives `kill -9` and a power cut.

mod connection;
mod edits;
mod error;
mod listening;
mod markers;
mod members;
mod messages;
mod migrations;
mod notices;
mod reader;
mod rooms;
mod rows;
mod writer;

pub use error::{OpenError, StoreError};
pub use listening::{Changes, Missed};
pub use messages::{NewMessage, PAGE_BYTES, PageRequest};
pub use notices::{Announce, Changed};
pub use rooms::NewRoom;

use chat_protocol::{
    Message, MessageId, MessageText, Page, ReadMarker, Room, RoomId, RoomSummary, Seq, UserId,
};
use std::path::Path;
use std::thread::JoinHandle;

/// How much may wait, and how many read at once.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Writes that may wait for the writer.
    pub writer_queue: usize,
    /// Reads that may wait for a reader.
    pub reader_queue: usize,
    /// Reader threads.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        // 1,024 waiting writes are about four full group commits: well under a second of work, so a
        // full queue means that the disk stalls, not that people are talking.
        Self { writer_queue: 1_024, reader_queue: 4_096, readers: cores.clamp(2, 8) }
    }
}

/// A handle to the database. Cheap to clone; the database closes when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    writer: writer::Writer,
    readers: reader::Readers,
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
    /// Opens the database at `path`, makes it if there is none, and brings its schema up to date.
    /// `announce` is told of every change to a room's messages and of everybody taken out of one.
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be opened, is not a database of ours, or was written by a
    /// newer version.
    pub fn open(
        path: &Path,
        options: Options,
        announce: impl Fn(&[Changed]) + Send + 'static,
    ) -> Result<(Self, StoreThreads), OpenError> {
        let mut write_connection = connection::open_writer(path)?;
        migrations::run(&mut write_connection)?;
        let mut threads = Vec::with_capacity(options.readers + 1);
        let mut connections = Vec::with_capacity(options.readers);
        for _ in 0..options.readers {
            connections.push(connection::open_reader(path)?);
        }
        let readers = reader::Readers::start(connections, options.reader_queue, &mut threads)?;
        let (writer, thread) =
            writer::Writer::start(write_connection, options.writer_queue, Box::new(announce))?;
        threads.push(thread);
        Ok((Self { writer, readers }, StoreThreads(threads)))
    }

    /// Whether the database answers, to a reader and to the writer.
    ///
    /// # Errors
    /// Any [`StoreError`] but those about rooms.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.writer.check_alive()?;
        self.readers.read(|tx| Ok(tx.query_row("SELECT EXISTS (SELECT 1 FROM rooms)", [], |_| Ok(()))?)).await
    }

    /// Makes a room. Its members are those named and its creator, each once.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or a failing database.
    pub async fn create_room(&self, room: NewRoom) -> Result<Room, StoreError> {
        self.writer.write(move |tx| rooms::create(tx, room)).await
    }

    /// The rooms of `user` by number, each with its newest message and what `user` has not read.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or a failing database.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomSummary>, StoreError> {
        self.readers.read(move |tx| rooms::of(tx, &user)).await
    }

    /// Lets `user` into `room` on behalf of the member `caller`. Does nothing when already in.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`] about `caller`, or a failing database.
    pub async fn add_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        self.writer.write(move |tx| members::add(tx, room, &caller, &user)).await
    }

    /// Takes `user` out of `room` on behalf of the member `caller`. Does nothing when already out.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`] about `caller` (except for leaving a
    /// room twice), or a failing database.
    pub async fn remove_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        // Urgent: who is out hears no more.
        let notice = Changed { room, changes: 1, urgent: true };
        self.writer.write_and_announce(notice, move |tx| members::remove(tx, room, &caller, &user)).await
    }

    /// Stores a message, or finds the one stored under the same key before. Returns only after the
    /// message is on the disk. Dropping the future does not undo it.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::IdempotencyKeyReused`],
    /// [`StoreError::Busy`] or a failing database.
    pub async fn send(&self, message: NewMessage) -> Result<Message, StoreError> {
        let notice = Changed { room: message.room, changes: 1, urgent: false };
        self.writer.write_and_announce(notice, move |tx| messages::insert(tx, &message)).await
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
        let notice = Changed { room, changes: 1, urgent: false };
        self.writer.write_and_announce(notice, move |tx| edits::edit(tx, room, id, &caller, &text)).await
    }

    /// Takes the text of the message `id`, which `caller` wrote, and returns the tombstone. Does
    /// nothing when it is one already. Returns only after the change is on the disk.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::NotAMember`], [`StoreError::MessageNotFound`],
    /// [`StoreError::NotTheSender`], [`StoreError::Busy`] or a failing database.
    pub async fn delete(&self, room: RoomId, id: MessageId, caller: UserId) -> Result<Message, StoreError> {
        // Urgent: what its sender takes back should be off every screen.
        let notice = Changed { room, changes: 1, urgent: true };
        self.writer.write_and_announce(notice, move |tx| edits::delete(tx, room, id, &caller)).await
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
        let user = reader.clone();
        self.writer.write(move |tx| markers::advance(tx, room, &user, id)).await?;
        // A reader counts: it takes 10 ms to count 100,000 unread messages, and the writer's time is
        // everybody's.
        self.readers.read(move |tx| markers::of(tx, room, &reader)).await
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
        self.readers.read(move |tx| messages::page(tx, room, &reader, request, PAGE_BYTES)).await
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
        self.readers.read(move |tx| listening::missed(tx, room, &reader, cursor, most)).await
    }

    /// A page of what has changed in `room` after `after`, for everybody who listens to it; and who is
    /// in the room, unless the number of removals is still the one known.
    ///
    /// # Errors
    /// [`StoreError::RoomNotFound`], [`StoreError::Busy`] or a failing database.
    pub async fn changes(
        &self,
        room: RoomId,
        after: Seq,
        known_removals: i64,
    ) -> Result<Changes, StoreError> {
        self.readers.read(move |tx| listening::changes(tx, room, after, known_removals)).await
    }
}
