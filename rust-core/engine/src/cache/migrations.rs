//! The schema, as a table of steps. The loop writes the version, in the transaction of the step
//! itself; no step can forget or misnumber it.

use crate::EngineError;
use rusqlite::{Connection, TransactionBehavior};

/// Step *n* of the table takes a file from version *n* to *n + 1*. Steps are only ever added.
const STEPS: &[&str] = &[V1, V2, V3];

const V1: &str = "
CREATE TABLE room (
    id     INTEGER PRIMARY KEY,
    cursor INTEGER NOT NULL,             -- the last seq seen
    floor  INTEGER NOT NULL,             -- from this message id up, nothing is missing
    has_older INTEGER NOT NULL DEFAULT 0 -- whether the server has messages below the floor
) STRICT;

-- WITHOUT ROWID: the rows lie in the order they are read in.
CREATE TABLE message (
    room      INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    sender    TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    sent_at   INTEGER NOT NULL,          -- milliseconds since 1970, by the server's clock
    edited_at INTEGER,
    deleted   INTEGER NOT NULL,
    local_key INTEGER,                   -- the outbox key it was written under, if on this device
    PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a key on screen is never given to another message.
CREATE TABLE outbox (
    local_key      INTEGER PRIMARY KEY AUTOINCREMENT,
    room           INTEGER NOT NULL,
    transaction_id TEXT    NOT NULL UNIQUE,
    text           TEXT    NOT NULL,
    written_at     INTEGER NOT NULL,     -- milliseconds since 1970, by this device's clock
    state          INTEGER NOT NULL,     -- see cache/outbox.rs
    attempts       INTEGER NOT NULL DEFAULT 0,
    message_id     INTEGER,              -- once the server has answered with it
    failure        INTEGER
) STRICT;
CREATE INDEX outbox_by_room ON outbox (room, local_key);
";

const V2: &str = "
ALTER TABLE room ADD COLUMN read_marker INTEGER NOT NULL DEFAULT 0; -- the last message read, here or on another device
ALTER TABLE room ADD COLUMN read_sent   INTEGER NOT NULL DEFAULT 0; -- as far as the server knows of it
ALTER TABLE room ADD COLUMN unread      INTEGER NOT NULL DEFAULT 0; -- messages of others beyond it, from the floor up
ALTER TABLE room ADD COLUMN unread_below INTEGER NOT NULL DEFAULT 0; -- and below, in the server's words

-- May it be on the server without our knowing? If not, it can be edited in place, and taken back.
ALTER TABLE outbox ADD COLUMN may_have_arrived INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET may_have_arrived = attempts > 0;
-- Edited after a try: what comes back may be the text of before.
ALTER TABLE outbox ADD COLUMN edited        INTEGER NOT NULL DEFAULT 0;
-- Milliseconds since 1970: a wake-up may come before the one, nothing before the other (Retry-After).
ALTER TABLE outbox ADD COLUMN next_try_at   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN not_before    INTEGER NOT NULL DEFAULT 0;

-- Edits and deletions that the server has not confirmed: the newest wish for each message.
CREATE TABLE change (
    change_key  INTEGER PRIMARY KEY AUTOINCREMENT,
    room        INTEGER NOT NULL,
    message_id  INTEGER,                 -- of the message, once it has one
    local_key   INTEGER,                 -- of its outbox row, while it has none
    text        TEXT,                    -- NULL: deleted
    version     INTEGER NOT NULL,        -- grows with each wish: an answer to an older one settles nothing
    state       INTEGER NOT NULL,        -- see cache/changes.rs
    may_have_arrived INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL DEFAULT 0,
    not_before  INTEGER NOT NULL DEFAULT 0,
    failure     INTEGER
) STRICT;
CREATE UNIQUE INDEX change_by_message ON change (room, message_id) WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX change_by_local_key ON change (local_key) WHERE message_id IS NULL;

-- The list of rooms as the server told it last.
CREATE TABLE summary (
    room        INTEGER PRIMARY KEY,
    title       TEXT    NOT NULL,
    unread      INTEGER NOT NULL,
    read_marker INTEGER NOT NULL,
    id          INTEGER,                 -- from here on the newest message, if there is one
    seq         INTEGER,
    sender      TEXT,
    text        TEXT,
    sent_at     INTEGER,
    edited_at   INTEGER,
    deleted     INTEGER
) STRICT;
";

const V3: &str = "
-- What was typed and not sent, for each room.
CREATE TABLE draft (
    room INTEGER PRIMARY KEY,
    text TEXT    NOT NULL
) STRICT;
";

/// Brings the schema up to date.
pub(super) fn run(connection: &mut Connection) -> Result<(), EngineError> {
    let known = STEPS.len() as i64;
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let step = match usize::try_from(found).ok().map(|version| STEPS.get(version)) {
            Some(Some(step)) => step,
            Some(None) if found == known => return Ok(()),
            _ => return Err(EngineError::CacheTooNew { found, known }),
        };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_reaches_the_newest_version_and_a_second_run_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection).unwrap();
        run(&mut connection).unwrap();
        let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
        assert_eq!(version, STEPS.len() as i64);
    }

    /// A file as version 1 of the library left it: a room with messages, and an outbox with a refused one,
    /// one that was tried and one that was not. It was made by that version, not by this test.
    #[test]
    fn a_file_of_version_1_keeps_every_message_sent_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cache-v1.sqlite3");
        std::fs::copy(fixture, folder.path().join("c.sqlite3")).unwrap();
        let cache = super::super::Cache::open(folder.path(), "c.sqlite3").unwrap();
        let alice = chat_protocol::UserId::new("alice").unwrap();
        let room = |n| chat_protocol::RoomId::new(n).unwrap();
        let texts = |items: Vec<crate::TimelineItem>| -> Vec<String> {
            items.into_iter().map(|item| item.text).collect()
        };
        let messages =
            cache.read(|c| super::super::newest(c, room(1), &alice, 1..i64::MAX, 10)).map(texts).unwrap();
        assert_eq!(messages, ["bob 1 안녕", "bob 2 안녕", "bob 3 안녕", "sent and confirmed"]);
        let unsent = |n| cache.read(|c| super::super::unsent(c, room(n), &alice)).unwrap();
        assert_eq!(texts(unsent(1)), ["unsent one", "unsent two"]);
        let refused = unsent(2);
        assert_eq!(
            refused[0].state,
            crate::DeliveryState::Failed(crate::FailureReason::NotAMember),
            "a refusal is remembered too"
        );
        // What was tried may be on the server: it goes out under the key of before, and cannot be taken back.
        let next = cache.read(|c| super::super::next(c, room(1), 0)).unwrap().unwrap();
        assert_eq!(next.transaction.as_str(), "5b000f57-99d5-4f4b-a18b-6cb0f260b263");
        assert!(next.may_have_arrived && next.schedule.attempts == 4);
        let grip = |key| {
            let discard = |t: &rusqlite::Transaction<'_>| {
                super::super::discard(t, room(1), &alice, crate::ItemKey::from_number(key))
            };
            cache.commit(discard, |_| ()).err()
        };
        assert_eq!((grip(-3), grip(-4)), (Some(EngineError::TooLate), None));
        let work = cache.read(super::super::rooms_with_work).unwrap();
        assert_eq!(work, [room(1)]);
    }

    #[test]
    fn a_file_of_a_later_version_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let known = STEPS.len() as i64;
        assert_eq!(run(&mut connection), Err(EngineError::CacheTooNew { found: 99, known }));
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 0);
    }
}
