//! The default: everything in one SQLite file.
//!
//! - **One writer** thread owns the only connection that writes. Jobs that wait are taken together
//!   into one transaction, each in a savepoint of its own, and answered after the commit: under load
//!   one sync to the disk confirms many messages (`writer`).
//! - **A few readers**, each a thread with its own connection. WAL lets them read while the writer
//!   writes; each question is one transaction, so a page and its cursor are of one moment (`reader`). Those who count
//!   what is unread never have more than half of them.
//! - Both queues are bounded. When one is full the answer is [`StoreError::Busy`], at once.
//! - `synchronous=FULL`: what was confirmed survives `kill -9` and a power cut.

mod admin;
mod backup;
mod connection;
mod edits;
mod keys;
mod listening;
mod markers;
mod members;
mod messages;
mod migrations;
mod reader;
mod rooms;
mod rows;
mod sql;
mod writer;

pub(super) use admin::{Desk, migrate};
pub(crate) use backup::{BackupError, Stage, backup};

use super::backend::Backend;
use super::error::{OpenError, StoreError};
use super::expiry::OldKeys;
use super::model::{Changes, Creation, Missed, NewMessage, PAGE_BYTES, PageRequest};
use super::notices::{self, Announce, Changed};
use super::{Options, StoreThreads};
use async_trait::async_trait;
use chat_protocol::{
    Message, MessageId, MessageText, Page, ReadMarker, Room, RoomId, RoomSummary, Seq, Timestamp, UserId,
};
use sql::Ask;
use std::collections::BTreeSet;
use std::path::Path;

/// A file and the threads that use it; they end, and the file is closed, when this is gone.
pub(super) struct Sqlite {
    writer: writer::Writer,
    readers: reader::Readers,
}

impl Sqlite {
    /// Opens the file at `path`, makes it if there is none, and brings its schema up to date.
    pub(super) fn open(
        path: &Path,
        options: &Options,
        announce: Announce,
    ) -> Result<(Self, StoreThreads), OpenError> {
        let mut write_connection = connection::open_writer(path)?;
        migrations::run(&mut write_connection)?;
        let mut threads = Vec::with_capacity(options.readers + 1);
        let mut connections = Vec::with_capacity(options.readers);
        for _ in 0..options.readers {
            connections.push(connection::open_reader(path)?);
        }
        let readers = reader::Readers::start(connections, options, &mut threads)?;
        let (writer, thread) = writer::Writer::start(write_connection, options, announce)?;
        threads.push(thread);
        Ok((Self { writer, readers }, StoreThreads(threads)))
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn ping(&self) -> Result<(), StoreError> {
        self.writer.check_alive()?;
        self.readers.read(|tx| Ok(tx.ask(sql::PING)?.query_row([], |_| Ok(()))?)).await
    }

    async fn create_room(
        &self,
        title: String,
        members: BTreeSet<UserId>,
        creation: Option<Creation>,
    ) -> Result<Room, StoreError> {
        self.writer.write(move |tx| rooms::create(tx, title, members, creation.as_ref())).await
    }

    async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomSummary>, StoreError> {
        self.readers.count(move |tx| rooms::of(tx, &user)).await
    }

    async fn add_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        self.writer.write(move |tx| members::add(tx, room, &caller, &user)).await
    }

    async fn remove_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        let change = move |tx: &_| members::remove(tx, room, &caller, &user);
        self.writer.write_and_announce(Changed::urgent(room), change).await
    }

    async fn send(&self, message: NewMessage) -> Result<Message, StoreError> {
        let notice = Changed::one(message.room);
        let again = |sent: &Message| notices::is_young(sent, Timestamp::now());
        self.writer.write_and_tell_again(notice, again, move |tx| messages::insert(tx, &message)).await
    }

    async fn edit(
        &self,
        room: RoomId,
        id: MessageId,
        caller: UserId,
        text: MessageText,
    ) -> Result<Message, StoreError> {
        let change = move |tx: &_| edits::edit(tx, room, id, &caller, &text);
        self.writer.write_and_announce(Changed::one(room), change).await
    }

    async fn delete(&self, room: RoomId, id: MessageId, caller: UserId) -> Result<Message, StoreError> {
        let change = move |tx: &_| edits::delete(tx, room, id, &caller);
        self.writer.write_and_announce(Changed::urgent(room), change).await
    }

    async fn mark_read(&self, room: RoomId, reader: UserId, id: MessageId) -> Result<ReadMarker, StoreError> {
        let user = reader.clone();
        self.writer.write(move |tx| markers::advance(tx, room, &user, id)).await?;
        // A reader counts: it takes 10 ms to count 100,000 unread messages, and the writer's time is
        // everybody's.
        self.readers.count(move |tx| markers::of(tx, room, &reader)).await
    }

    async fn page(
        &self,
        room: RoomId,
        reader: UserId,
        request: PageRequest,
    ) -> Result<Option<Page>, StoreError> {
        self.readers.read(move |tx| messages::page(tx, room, &reader, request, PAGE_BYTES)).await
    }

    async fn missed(
        &self,
        room: RoomId,
        reader: UserId,
        cursor: Seq,
        most: (u32, usize),
    ) -> Result<Missed, StoreError> {
        self.readers.read(move |tx| listening::missed(tx, room, &reader, cursor, most)).await
    }

    async fn changes(&self, room: RoomId, after: Seq, known_removals: i64) -> Result<Changes, StoreError> {
        self.readers.read(move |tx| listening::changes(tx, room, after, known_removals)).await
    }

    async fn old_keys(&self, after: i64, before: Timestamp) -> Result<OldKeys, StoreError> {
        self.readers.read(move |tx| keys::old(tx, after, before)).await
    }

    async fn clear_old_keys(&self, room: RoomId, before: Timestamp) -> Result<bool, StoreError> {
        self.writer.write(move |tx| keys::clear(tx, room, before)).await
    }
}
