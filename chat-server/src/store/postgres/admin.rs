//! What a command does to the database, beside running nodes or without any.

use super::migrations;
use super::pool::{Failure, in_full};
use super::rows::{message_with_key, stored};
use super::url::PostgresUrl;
use crate::store::admin::{
    Admin, AdminError, Import, Member, RoomInfo, Vacuumed, first_digest, still_unfinished,
};
use crate::store::error::OpenError;
use crate::store::sql::{Sql, statements};
use async_trait::async_trait;
use chat_protocol::{Message, RoomId, Seq, Timestamp, TransactionId, UserId};
use std::collections::{BTreeSet, HashSet};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement, Transaction};

/// Messages discarded in one transaction, so that it can be interrupted.
const DISCARDED_AT_ONCE: i64 = 10_000;

/// The columns of a [`RoomInfo`]. The last is the newest id that there is, beyond `last_id` only in an import.
macro_rules! room_info {
    ($after:literal) => {
        concat!(
            "SELECT r.id, r.title, r.created_at, (SELECT count(*) FROM members me WHERE me.room = r.id),
                    r.last_id, r.last_seq, (SELECT max(m.id) FROM messages m WHERE m.room = r.id)
               FROM rooms r ",
            $after
        )
    };
}

statements! {
    /// All rooms.
    ROOMS = room_info!("ORDER BY r.id");

    /// One of them.
    ROOM = room_info!("WHERE r.id = $1");

    /// The same, and whatever else would change it waits until the transaction's end. The messages of an import
    /// must be counted after that, by a statement of its own.
    LOCK = "SELECT 1 FROM rooms WHERE id = $1 FOR NO KEY UPDATE";

    /// Who is in a room.
    MEMBERS = "SELECT user_id, read_marker FROM members WHERE room = $1 ORDER BY user_id";

    /// A page of its messages, by id.
    MESSAGES =
        "SELECT m.id, m.seq, m.sender, m.text, m.sent_at, m.edited_at, m.deleted, m.transaction_id
           FROM messages m WHERE m.room = $1 AND m.id > $2 ORDER BY m.id LIMIT $3";

    /// Makes a room with nobody in it.
    INSERT_ROOM = "INSERT INTO rooms (title, created_at) VALUES ($1, $2) RETURNING id";

    /// Lets users in who have nothing unread, and says who was not in before.
    ADD_MEMBERS =
        "INSERT INTO members (room, user_id, read_marker)
         SELECT r.id, u, r.last_id FROM rooms r, unnest($2::text[]) u WHERE r.id = $1
         ON CONFLICT DO NOTHING
         RETURNING user_id";

    /// Takes users out, and says who was in.
    REMOVE_MEMBERS = "DELETE FROM members WHERE room = $1 AND user_id = ANY($2) RETURNING user_id";

    /// Tells whoever streams the room that somebody was taken out.
    COUNT_REMOVAL = "UPDATE rooms SET removals = removals + 1 WHERE id = $1";

    /// Keeps imported messages.
    INSERT_MESSAGES =
        "INSERT INTO messages (room, id, seq, sender, text, sent_at, edited_at, deleted, transaction_id, text_digest)
         SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                                    $8::boolean[], $9::text[], $10::bytea[]) n";

    /// Which of these are taken in the room.
    TAKEN_SEQS = "SELECT seq FROM messages WHERE room = $1 AND seq = ANY($2) AND seq > 0";
    TAKEN_KEYS =
        "SELECT m.sender, m.transaction_id
           FROM unnest($2::text[], $3::text[]) AS k (sender, key)
           JOIN messages m ON m.room = $1 AND m.sender = k.sender AND m.transaction_id = k.key";

    /// Makes an import an ordinary room.
    FINISH_ROOM = "UPDATE rooms SET last_id = $2, last_seq = $3 WHERE id = $1";
    INSERT_MEMBERS =
        "INSERT INTO members (room, user_id, read_marker)
         SELECT $1, n.* FROM unnest($2::text[], $3::bigint[]) n";

    /// Held by whoever begins an import, until the transaction that makes its room ends; before that nobody sees the room's
    /// row, and so cannot wait for it. The number is the room's, negative: [`migrations`] has a positive one.
    LOCK_NUMBER = "SELECT pg_advisory_xact_lock(-$1::bigint)";

    /// Takes away the end of an import, and at last the room.
    DELETE_MESSAGES = "DELETE FROM messages WHERE room = $1 AND id > $2";
    DELETE_ROOM = "DELETE FROM rooms WHERE id = $1";

    /// What the tables and their indexes take on the disk.
    BYTES =
        "SELECT sum(pg_total_relation_size(t))::bigint
           FROM unnest(ARRAY['rooms', 'members', 'messages']::regclass[]) t";
}

/// No limits: a command may take its time, and whoever gave it may interrupt it. And no plan but by the index that has
/// the order asked for: a room that was just imported has no statistics, and PostgreSQL, taking it for a small one, would
/// sort all that is left of it for each page.
pub(super) const SETTINGS: &str = "
    SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET enable_sort = off; SET enable_bitmapscan = off";

/// Tells the server's own questions, too, how large an imported room is; by itself PostgreSQL looks a minute later.
const ANALYZE: &str = "ANALYZE messages, members";

/// In a statement of its own, as it runs in no transaction.
const VACUUM: &str = "VACUUM (ANALYZE) rooms, members, messages";

/// A connection for one command at a time.
pub(in crate::store) struct Desk {
    client: Client,
    /// [`MESSAGES`], once it was asked.
    page: Option<Statement>,
}

impl Desk {
    pub(in crate::store) async fn open(url: &PostgresUrl) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Postgres { url: url.to_string(), why: in_full(&error) };
        let client = super::connect(url).await?;
        client.batch_execute(SETTINGS).await.map_err(failed)?;
        match migrations::version(&client).await.map_err(failed)? {
            Some(migrations::NEWEST) => Ok(Self { client, page: None }),
            Some(found) if found > migrations::NEWEST => {
                Err(OpenError::TooNew { found, known: migrations::NEWEST })
            }
            Some(found) => Err(OpenError::OutOfDate { found, known: migrations::NEWEST }),
            None => Err(OpenError::Missing(url.to_string())),
        }
    }

    #[cfg(test)]
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    async fn rows(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, AdminError> {
        Ok(self.client.query(sql.0, params).await?)
    }

    /// Which field of a message of `batch` is taken, by another of it or in the room.
    async fn taken(
        &self,
        room: RoomId,
        batch: &[Message],
        constraint: &str,
    ) -> Result<Option<AdminError>, AdminError> {
        if constraint == "messages_by_seq" {
            let seqs: Vec<i64> = batch.iter().map(|message| message.seq.get()).collect();
            let rows = self.rows(TAKEN_SEQS, &[&room.get(), &seqs]).await?;
            let mut known = HashSet::new();
            for row in rows {
                known.insert(row.try_get::<_, i64>(0)?);
            }
            let taken = batch.iter().find(|message| !known.insert(message.seq.get()));
            return Ok(taken.map(|message| AdminError::Taken { id: message.id, field: "seq" }));
        }
        if constraint == "messages_by_key" {
            let key = |message: &Message| {
                let key = message.transaction_id.as_ref()?;
                Some((message.sender.as_str().to_owned(), key.as_str().to_owned()))
            };
            let (senders, keys): (Vec<_>, Vec<_>) = batch.iter().filter_map(key).unzip();
            let rows = self.rows(TAKEN_KEYS, &[&room.get(), &senders, &keys]).await?;
            let mut known = HashSet::new();
            for row in rows {
                known.insert((row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?));
            }
            let taken = batch.iter().find(|message| key(message).is_some_and(|key| !known.insert(key)));
            return Ok(taken.map(|message| AdminError::Taken { id: message.id, field: "transaction_id" }));
        }
        Ok(None)
    }
}

pub(in crate::store) async fn migrate(url: &PostgresUrl) -> Result<(i64, i64), OpenError> {
    let failed = |error| OpenError::Postgres { url: url.to_string(), why: in_full(&error) };
    let mut client = super::connect(url).await?;
    let before = migrations::version(&client).await.map_err(failed)?;
    migrations::run(&mut client, url).await?;
    Ok((before.unwrap_or(0), migrations::NEWEST))
}

impl From<tokio_postgres::Error> for AdminError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for AdminError {
    fn from(failure: Failure) -> Self {
        Self::Database(failure.into())
    }
}

fn room_info(row: &Row) -> Result<RoomInfo, AdminError> {
    let messages = row.try_get(4)?;
    let newest: Option<i64> = row.try_get(6)?;
    Ok(RoomInfo {
        id: stored(RoomId::new(row.try_get(0)?))?,
        title: row.try_get(1)?,
        created_at: Timestamp::from_millis(row.try_get(2)?),
        members: row.try_get(3)?,
        messages,
        last_seq: stored(Seq::new(row.try_get(5)?))?,
        unfinished_import: newest.filter(|newest| *newest > messages),
    })
}

/// The room as it stands, and stands still until the transaction ends.
async fn lock(tx: &Transaction<'_>, room: RoomId) -> Result<RoomInfo, AdminError> {
    tx.query_opt(LOCK.0, &[&room.get()]).await?.ok_or(AdminError::NoRoom(room))?;
    room_info(&tx.query_one(ROOM.0, &[&room.get()]).await?)
}

fn names(users: &BTreeSet<UserId>) -> Vec<&str> {
    users.iter().map(UserId::as_str).collect()
}

/// The users of these rows, by name.
fn users(rows: &[Row]) -> Result<Vec<UserId>, AdminError> {
    let user = |row: &Row| Ok(stored(UserId::new(row.try_get::<_, String>(0)?))?);
    let mut users = rows.iter().map(user).collect::<Result<Vec<_>, AdminError>>()?;
    users.sort();
    Ok(users)
}

#[async_trait]
impl Admin for Desk {
    async fn hold_snapshot(&mut self) -> Result<(), AdminError> {
        // The moment is that of the first question.
        self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1").await?;
        Ok(())
    }

    async fn rooms(&mut self) -> Result<Vec<RoomInfo>, AdminError> {
        self.rows(ROOMS, &[]).await?.iter().map(room_info).collect()
    }

    async fn room(&mut self, room: RoomId) -> Result<(RoomInfo, Vec<Member>), AdminError> {
        let rows = self.rows(ROOM, &[&room.get()]).await?;
        let info = room_info(rows.first().ok_or(AdminError::NoRoom(room))?)?;
        let rows = self.rows(MEMBERS, &[&room.get()]).await?;
        let member = |row: &Row| {
            Ok(Member {
                user: stored(UserId::new(row.try_get::<_, String>(0)?))?,
                read_marker: row.try_get(1)?,
            })
        };
        Ok((info, rows.iter().map(member).collect::<Result<_, AdminError>>()?))
    }

    async fn messages(&mut self, room: RoomId, after: i64, limit: u32) -> Result<Vec<Message>, AdminError> {
        let page = match &self.page {
            Some(page) => page.clone(),
            None => self.page.insert(self.client.prepare(MESSAGES.0).await?).clone(),
        };
        let rows = self.client.query(&page, &[&room.get(), &after, &i64::from(limit)]).await?;
        rows.iter().map(|row| Ok(message_with_key(row, 0)?)).collect()
    }

    async fn create_room(&mut self, title: &str, members: &BTreeSet<UserId>) -> Result<RoomId, AdminError> {
        let tx = self.client.transaction().await?;
        let created_at = Timestamp::now().as_millis();
        let id: i64 = tx.query_one(INSERT_ROOM.0, &[&title, &created_at]).await?.try_get(0)?;
        tx.query(ADD_MEMBERS.0, &[&id, &names(members)]).await?;
        tx.commit().await?;
        Ok(stored(RoomId::new(id))?)
    }

    async fn add_members(
        &mut self,
        room: RoomId,
        users: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, AdminError> {
        let tx = self.client.transaction().await?;
        if lock(&tx, room).await?.unfinished_import.is_some() {
            return Err(AdminError::Unfinished(room));
        }
        let new = tx.query(ADD_MEMBERS.0, &[&room.get(), &names(users)]).await?;
        tx.commit().await?;
        self::users(&new)
    }

    async fn remove_members(
        &mut self,
        room: RoomId,
        users: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, AdminError> {
        let tx = self.client.transaction().await?;
        lock(&tx, room).await?;
        let gone = tx.query(REMOVE_MEMBERS.0, &[&room.get(), &names(users)]).await?;
        if !gone.is_empty() {
            tx.execute(COUNT_REMOVAL.0, &[&room.get()]).await?;
        }
        tx.commit().await?;
        self::users(&gone)
    }

    async fn import(&mut self, import: &mut Import, batch: &[Message]) -> Result<RoomId, AdminError> {
        let tx = self.client.transaction().await?;
        let room = match import.room {
            None => {
                let made = [&import.title as &(dyn ToSql + Sync), &import.created_at.as_millis()];
                let room = stored(RoomId::new(tx.query_one(INSERT_ROOM.0, &made).await?.try_get(0)?))?;
                tx.execute(LOCK_NUMBER.0, &[&room.get()]).await?;
                *import.room.insert(room)
            }
            Some(room) => still_unfinished(lock(&tx, room).await, import.brought)?,
        };
        match insert(&tx, room, batch).await {
            Ok(()) => {
                tx.commit().await?;
                import.brought += batch.len() as i64;
                Ok(room)
            }
            Err(error) => {
                tx.rollback().await?;
                let constraint =
                    error.as_db_error().filter(|error| *error.code() == SqlState::UNIQUE_VIOLATION);
                match constraint.and_then(|error| error.constraint()) {
                    Some(constraint) => {
                        let taken = self.taken(room, batch, constraint).await?;
                        Err(taken.unwrap_or_else(|| error.into()))
                    }
                    None => Err(error.into()),
                }
            }
        }
    }

    async fn finish_import(
        &mut self,
        room: RoomId,
        (last_id, last_seq): (i64, Seq),
        members: &[Member],
    ) -> Result<(), AdminError> {
        let tx = self.client.transaction().await?;
        still_unfinished(lock(&tx, room).await, last_id)?;
        tx.execute(FINISH_ROOM.0, &[&room.get(), &last_id, &last_seq.get()]).await?;
        let names: Vec<&str> = members.iter().map(|member| member.user.as_str()).collect();
        let markers: Vec<i64> = members.iter().map(|member| member.read_marker).collect();
        tx.execute(INSERT_MEMBERS.0, &[&room.get(), &names, &markers]).await?;
        tx.commit().await?;
        // The room is there, whatever comes of this.
        let _ = self.client.batch_execute(ANALYZE).await;
        Ok(())
    }

    async fn discard_some(&mut self, room: RoomId) -> Result<bool, AdminError> {
        let tx = self.client.transaction().await?;
        tx.execute(LOCK_NUMBER.0, &[&room.get()]).await?;
        let info = lock(&tx, room).await?;
        if info.members > 0 || info.messages > 0 {
            return Err(AdminError::Whole(room));
        }
        // From the end, so that what is left has no hole and still shows as unfinished.
        let from = info.unfinished_import.unwrap_or(0) - DISCARDED_AT_ONCE;
        tx.execute(DELETE_MESSAGES.0, &[&room.get(), &from]).await?;
        if from <= 0 {
            tx.execute(DELETE_ROOM.0, &[&room.get()]).await?;
        }
        tx.commit().await?;
        Ok(from > 0)
    }

    async fn vacuum(&mut self) -> Result<Vacuumed, AdminError> {
        let bytes_before = bytes(&self.client).await?;
        self.client.batch_execute(VACUUM).await?;
        let note = "what is free within these serves what is said next; only PostgreSQL's own VACUUM FULL, \
                    which locks everybody out, makes the files smaller";
        Ok(Vacuumed { bytes_before, bytes_after: bytes(&self.client).await?, note: Some(note) })
    }
}

async fn bytes(client: &Client) -> Result<u64, AdminError> {
    let bytes: i64 = client.query_one(BYTES.0, &[]).await?.try_get(0)?;
    Ok(bytes.unsigned_abs())
}

/// Keeps a batch in one statement.
async fn insert(tx: &Transaction<'_>, room: RoomId, batch: &[Message]) -> Result<(), tokio_postgres::Error> {
    if batch.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(batch: &'a [Message], of: impl Fn(&'a Message) -> T) -> Vec<T> {
        batch.iter().map(of).collect()
    }
    let digests = column(batch, first_digest);
    tx.execute(
        INSERT_MESSAGES.0,
        &[
            &room.get(),
            &column(batch, |message| message.id.get()),
            &column(batch, |message| message.seq.get()),
            &column(batch, |message| message.sender.as_str()),
            &column(batch, |message| message.text.as_str()),
            &column(batch, |message| message.sent_at.as_millis()),
            &column(batch, |message| message.edited_at.map(Timestamp::as_millis)),
            &column(batch, |message| message.deleted),
            &column(batch, |message| message.transaction_id.as_ref().map(TransactionId::as_str)),
            &digests.iter().map(|digest| digest.as_ref().map(<[u8; 16]>::as_slice)).collect::<Vec<_>>(),
        ],
    )
    .await?;
    Ok(())
}
