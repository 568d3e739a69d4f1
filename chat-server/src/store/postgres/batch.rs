//! One transaction on one room, in two round trips:
//!
//! 1. lock the room; read it, the members and the messages that the changes are about;
//! 2. write what was decided on that (`decide`), and commit.
//!
//! The statements of a round trip go out together. Under READ COMMITTED each has a snapshot of its own,
//! taken when its turn comes, which is after the lock: they see all that its last holder has done.

use super::decide::{Change, Kept, Outcome, State};
use super::pool::{ANSWER, Failure, Pool, Session};
use super::rows::{message_with_key, stored};
use super::sql;
use crate::store::error::StoreError;
use crate::store::notices::Changed;
use chat_protocol::{RoomId, Timestamp, UserId};
use std::collections::BTreeSet;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// What became of a transaction.
pub(super) struct Done {
    /// An answer to each change, or one why there is none.
    pub(super) outcomes: Result<Vec<Outcome>, Failure>,
    /// What to announce. After a failure too, where nobody knows whether the commit went through.
    pub(super) notice: Option<Changed>,
}

/// Makes the changes in one transaction.
pub(super) async fn run(pool: &Pool, room: RoomId, changes: &[Change]) -> Done {
    let mut notice = None;
    let outcomes = timeout(ANSWER, transact(pool, room, changes, &mut notice)).await;
    Done { outcomes: outcomes.unwrap_or_else(|_| Err(Failure::silent())), notice }
}

async fn transact(
    pool: &Pool,
    room: RoomId,
    changes: &[Change],
    notice: &mut Option<Changed>,
) -> Result<Vec<Outcome>, Failure> {
    let mut session = pool.session().await?;
    let Some(mut state) = read(&session, room, changes).await? else {
        session.client()?.batch_execute("ROLLBACK").await?;
        session.keep();
        return Ok(changes.iter().map(|_| Err(StoreError::RoomNotFound)).collect());
    };
    let now = Timestamp::now();
    let outcomes = changes.iter().map(|change| state.apply(change, now)).collect();
    if state.changes > 0 || state.told_again {
        *notice = Some(Changed { room, changes: state.changes, urgent: state.urgent });
    }
    if state.is_changed() {
        write(&session, room, &state).await?;
    } else {
        session.client()?.batch_execute("COMMIT").await?;
    }
    session.keep();
    Ok(outcomes)
}

/// Begins, locks, and reads; `None` when there is no such room.
async fn read(session: &Session, room: RoomId, changes: &[Change]) -> Result<Option<State>, Failure> {
    let about = About::of(changes);
    let lock = session.prepare(sql::LOCK_ROOM).await?;
    let members = session.prepare(sql::MEMBERS_AMONG).await?;
    let by_keys = session.prepare(sql::BY_KEYS).await?;
    let by_ids = session.prepare(sql::BY_IDS).await?;
    let (client, room) = (session.client()?, room.get());
    let locked = async { client.query_opt(&lock, &[&room]).await };
    let members = async { client.query(&members, &[&room, &about.users]).await };
    let keys = async {
        match about.senders.is_empty() {
            true => Ok(Vec::new()),
            false => client.query(&by_keys, &[&room, &about.senders, &about.keys]).await,
        }
    };
    let ids = async {
        match about.ids.is_empty() {
            true => Ok(Vec::new()),
            false => client.query(&by_ids, &[&room, &about.ids]).await,
        }
    };
    let (_, locked, members, by_keys, by_ids) = tokio::try_join!(
        biased; // requests leave in the order in which they are polled first
        client.batch_execute("BEGIN"),
        locked,
        members,
        keys,
        ids,
    )?;
    let Some(locked) = locked else { return Ok(None) };
    let mut state = State::new(locked.try_get(0)?, locked.try_get(1)?, locked.try_get(2)?);
    for row in &members {
        state.know_member(stored(UserId::new(row.try_get::<_, String>(0)?))?);
    }
    for row in by_keys.iter().chain(&by_ids) {
        state.know_message(kept(row)?);
    }
    Ok(Some(state))
}

fn kept(row: &Row) -> Result<Kept, Failure> {
    Ok(Kept { digest: row.try_get(0)?, message: message_with_key(row, 1)? })
}

/// Whom and what the changes ask after.
#[derive(Default)]
struct About<'a> {
    users: Vec<&'a str>,
    /// The sends', one for each.
    senders: Vec<&'a str>,
    keys: Vec<&'a str>,
    ids: Vec<i64>,
}

impl<'a> About<'a> {
    fn of(changes: &'a [Change]) -> Self {
        let (mut about, mut users, mut ids) = (Self::default(), BTreeSet::new(), BTreeSet::new());
        for change in changes {
            match change {
                Change::Send(new) => {
                    users.insert(new.sender.as_str());
                    about.senders.push(new.sender.as_str());
                    about.keys.push(new.transaction_id.as_str());
                }
                Change::Edit { id, caller, .. } | Change::Delete { id, caller } => {
                    users.insert(caller.as_str());
                    ids.insert(id.get());
                }
                Change::Add { caller, user } | Change::Remove { caller, user } => {
                    users.extend([caller.as_str(), user.as_str()]);
                }
            }
        }
        about.users.extend(users);
        about.ids.extend(ids);
        about
    }
}

/// Writes and commits.
async fn write(session: &Session, room: RoomId, state: &State) -> Result<(), Failure> {
    // Known to the connection from here on, so that nothing below waits for an answer before it is sent: the
    // commit must be the last to leave.
    let update_room = session.prepare(sql::UPDATE_ROOM).await?;
    for statement in [sql::INSERT_MESSAGES, sql::UPDATE_MESSAGES, sql::DELETE_MEMBERS, sql::INSERT_MEMBERS] {
        session.prepare(statement).await?;
    }
    let (client, room) = (session.client()?, room.get());
    let head: [&(dyn ToSql + Sync); 4] = [&room, &state.last_id, &state.last_seq, &state.removals];
    let head = async { Ok(client.execute(&update_room, &head).await?) };
    let commit = async { Ok(client.batch_execute("COMMIT").await?) };
    tokio::try_join!(
        biased;
        insert_messages(session, room, state),
        update_messages(session, room, state),
        delete_members(session, room, state),
        insert_members(session, room, state),
        head,
        commit,
    )?;
    Ok(())
}

async fn insert_messages(session: &Session, room: i64, state: &State) -> Result<(), Failure> {
    let new: Vec<&Kept> = state.inserted().collect();
    if new.is_empty() {
        return Ok(());
    }
    let statement = session.prepare(sql::INSERT_MESSAGES).await?;
    let ids: Vec<i64> = new.iter().map(|kept| kept.message.id.get()).collect();
    let seqs: Vec<i64> = new.iter().map(|kept| kept.message.seq.get()).collect();
    let senders: Vec<&str> = new.iter().map(|kept| kept.message.sender.as_str()).collect();
    let texts: Vec<&str> = new.iter().map(|kept| kept.message.text.as_str()).collect();
    let sent: Vec<i64> = new.iter().map(|kept| kept.message.sent_at.as_millis()).collect();
    let edited: Vec<Option<i64>> =
        new.iter().map(|kept| kept.message.edited_at.map(Timestamp::as_millis)).collect();
    let deleted: Vec<bool> = new.iter().map(|kept| kept.message.deleted).collect();
    let keys: Vec<Option<&str>> =
        new.iter().map(|kept| kept.message.transaction_id.as_ref().map(|key| key.as_str())).collect();
    let digests: Vec<Option<&[u8]>> = new.iter().map(|kept| kept.digest.as_deref()).collect();
    session
        .client()?
        .execute(
            &statement,
            &[&room, &ids, &seqs, &senders, &texts, &sent, &edited, &deleted, &keys, &digests],
        )
        .await?;
    Ok(())
}

async fn update_messages(session: &Session, room: i64, state: &State) -> Result<(), Failure> {
    let changed: Vec<_> = state.updated().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let statement = session.prepare(sql::UPDATE_MESSAGES).await?;
    let ids: Vec<i64> = changed.iter().map(|message| message.id.get()).collect();
    let seqs: Vec<i64> = changed.iter().map(|message| message.seq.get()).collect();
    let texts: Vec<&str> = changed.iter().map(|message| message.text.as_str()).collect();
    let edited: Vec<Option<i64>> =
        changed.iter().map(|message| message.edited_at.map(Timestamp::as_millis)).collect();
    let deleted: Vec<bool> = changed.iter().map(|message| message.deleted).collect();
    session.client()?.execute(&statement, &[&room, &ids, &seqs, &texts, &edited, &deleted]).await?;
    Ok(())
}

async fn delete_members(session: &Session, room: i64, state: &State) -> Result<(), Failure> {
    let gone: Vec<&str> = state.gone().map(UserId::as_str).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let statement = session.prepare(sql::DELETE_MEMBERS).await?;
    session.client()?.execute(&statement, &[&room, &gone]).await?;
    Ok(())
}

async fn insert_members(session: &Session, room: i64, state: &State) -> Result<(), Failure> {
    let (come, markers): (Vec<&str>, Vec<i64>) =
        state.come().map(|(user, marker)| (user.as_str(), marker)).unzip();
    if come.is_empty() {
        return Ok(());
    }
    let statement = session.prepare(sql::INSERT_MEMBERS).await?;
    session.client()?.execute(&statement, &[&room, &come, &markers]).await?;
    Ok(())
}
