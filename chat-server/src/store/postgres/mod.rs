//! Everything in a PostgreSQL database, which several nodes may share.
//!
//! - **Changes** go by room: those that wait for one are made in one transaction that holds the room's row
//!   locked, in two round trips (`lanes`, `batch`). What becomes of each is decided here, in between
//!   (`decide`).
//! - **Questions** are one statement each (`reads`).
//! - **Nothing hangs**: connections, locks, statements and answers all have their limit, and what runs into
//!   it is [`StoreError::Busy`], as is everything while PostgreSQL is away (`pool`). When it is back, new
//!   connections are made as they are wanted.
//! - A commit whose answer was lost is an error. Whoever retries with the same key finds what was kept.

mod admin;
mod batch;
mod decide;
mod keys;
mod lanes;
pub(crate) mod migrations;
mod pool;
mod reads;
mod rooms;
mod rows;
mod sql;
mod tls;
mod url;

pub(super) use admin::{Desk, migrate};
pub use url::{InvalidUrl, PostgresUrl};

use super::Options;
use super::backend::Backend;
use super::error::{OpenError, StoreError};
use super::expiry::OldKeys;
use super::model::{Changes, Creation, Missed, NewMessage, PageRequest};
use super::notices::Announce;
use async_trait::async_trait;
use chat_protocol::{
    Message, MessageId, MessageText, Page, ReadMarker, Room, RoomId, RoomSummary, Seq, Timestamp, UserId,
};
use decide::Change;
use lanes::Lanes;
use pool::{Failure, Pool};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error};

/// How long a server that says it is just starting is waited for. After a crash it reads its log first.
const STARTING: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// A database and the connections to it.
pub(super) struct Postgres {
    pool: Pool,
    lanes: Lanes,
}

impl Postgres {
    /// Reaches the database and brings its schema up to date.
    pub(super) async fn open(
        url: &PostgresUrl,
        options: &Options,
        announce: Announce,
    ) -> Result<Self, OpenError> {
        let mut client = connect(url).await?;
        migrations::run(&mut client, url).await?;
        let (config, tls) = url.config().map_err(|why| unusable(url, why.to_string()))?;
        let pool = Pool::new(config, tls, options);
        let lanes = Lanes::new(pool.clone(), options, announce);
        Ok(Self { pool, lanes })
    }

    async fn change(&self, room: RoomId, change: Change) -> Result<Message, StoreError> {
        let message = self.lanes.submit(room, change).await?;
        message.ok_or_else(|| StoreError::Failed("a change of a message gave none".into()))
    }
}

/// One connection of its own.
pub(crate) async fn connect(url: &PostgresUrl) -> Result<Client, OpenError> {
    let (config, tls) = url.config().map_err(|why| unusable(url, why.to_string()))?;
    let patience = Instant::now() + STARTING;
    loop {
        let attempt = timeout(pool::CONNECT, attempt(&config, tls.clone())).await;
        match attempt.map_err(|_| unusable(url, "no answer in time".into()))? {
            Ok(client) => return Ok(client),
            Err(error)
                if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW) && Instant::now() < patience =>
            {
                sleep(ASK_AGAIN).await;
            }
            Err(error) => return Err(unusable(url, pool::in_full(&error))),
        }
    }
}

async fn attempt(config: &Config, tls: tls::Connector) -> Result<Client, Error> {
    let (client, connection) = config.connect(tls).await?;
    // It ends with the client, and what is wrong with it the client hears.
    tokio::spawn(connection);
    client.batch_execute(pool::PROMISES).await?;
    Ok(client)
}

fn unusable(url: &PostgresUrl, why: String) -> OpenError {
    OpenError::Postgres { url: url.to_string(), why }
}

#[async_trait]
impl Backend for Postgres {
    async fn ping(&self) -> Result<(), StoreError> {
        let rows = self.pool.rows(sql::PING, &[]).await?;
        match rows.first().map(|row| row.try_get(0)).transpose().map_err(Failure::from)? {
            Some(false) => Ok(()),
            _ => Err(StoreError::Busy("the database takes no changes at present".into())),
        }
    }

    async fn create_room(
        &self,
        title: String,
        members: BTreeSet<UserId>,
        creation: Option<Creation>,
    ) -> Result<Room, StoreError> {
        // Two questions at most, and no longer than one.
        let made = rooms::create(&self.pool, &title, &members, creation.as_ref());
        let (id, created_at) = timeout(pool::ANSWER, made).await.map_err(|_| Failure::silent())??;
        Ok(Room { id, title, members: members.into_iter().collect(), created_at })
    }

    async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomSummary>, StoreError> {
        reads::rooms_of(&self.pool, &user).await
    }

    async fn add_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        self.lanes.submit(room, Change::Add { caller, user }).await.map(drop)
    }

    async fn remove_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError> {
        self.lanes.submit(room, Change::Remove { caller, user }).await.map(drop)
    }

    async fn send(&self, message: NewMessage) -> Result<Message, StoreError> {
        self.change(message.room, Change::Send(message)).await
    }

    async fn edit(
        &self,
        room: RoomId,
        id: MessageId,
        caller: UserId,
        text: MessageText,
    ) -> Result<Message, StoreError> {
        self.change(room, Change::Edit { id, caller, text }).await
    }

    async fn delete(&self, room: RoomId, id: MessageId, caller: UserId) -> Result<Message, StoreError> {
        self.change(room, Change::Delete { id, caller }).await
    }

    async fn mark_read(&self, room: RoomId, reader: UserId, id: MessageId) -> Result<ReadMarker, StoreError> {
        // Two questions, and no longer than one.
        let asked = reads::mark_read(&self.pool, room, &reader, id);
        timeout(pool::ANSWER, asked).await.map_err(|_| Failure::silent())?
    }

    async fn page(
        &self,
        room: RoomId,
        reader: UserId,
        request: PageRequest,
    ) -> Result<Option<Page>, StoreError> {
        reads::page(&self.pool, room, &reader, request).await
    }

    async fn missed(
        &self,
        room: RoomId,
        reader: UserId,
        cursor: Seq,
        most: (u32, usize),
    ) -> Result<Missed, StoreError> {
        reads::missed(&self.pool, room, &reader, cursor, most).await
    }

    async fn changes(&self, room: RoomId, after: Seq, known_removals: i64) -> Result<Changes, StoreError> {
        reads::changes(&self.pool, room, after, known_removals).await
    }

    async fn old_keys(&self, after: i64, before: Timestamp) -> Result<OldKeys, StoreError> {
        Ok(keys::old(&self.pool, after, before).await?)
    }

    async fn clear_old_keys(&self, room: RoomId, before: Timestamp) -> Result<bool, StoreError> {
        Ok(keys::clear(&self.pool, room, before).await?)
    }
}

#[cfg(test)]
mod tests;
