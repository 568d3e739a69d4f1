//! Every statement against a real PostgreSQL: that it is one, and that it finds its rows by an index.

use super::super::pool::SESSION;
use super::super::{PostgresUrl, admin, connect, migrations};
use crate::store::sql::Sql;
use chat_testkit::services::Postgres;
use tokio_postgres::{Client, SimpleQueryMessage};

async fn migrated() -> Client {
    let url = PostgresUrl::new(Postgres::shared().database());
    let mut client = connect(&url).await.unwrap();
    migrations::run(&mut client, &url).await.unwrap();
    client.batch_execute(SESSION).await.unwrap();
    client
}

#[tokio::test]
async fn every_statement_is_one_of_the_newest_schema() {
    let client = migrated().await;
    for (name, sql) in super::ALL.iter().chain(admin::ALL) {
        if let Err(error) = client.prepare(sql.0).await {
            panic!("{name}: {}", super::super::pool::in_full(&error));
        }
    }
}

/// Ten rooms of five thousand messages each, with their members; the first user is in all of them.
const CROWD: &str = "
    TRUNCATE rooms, members, messages RESTART IDENTITY;
    INSERT INTO rooms (title, created_at, last_id, last_seq) SELECT 't', 0, 5000, 5000 FROM generate_series(1, 10);
    INSERT INTO members SELECT r, 'user' || u, 4000 FROM generate_series(1, 10) r, generate_series(1, 200) u;
    INSERT INTO members (room, user_id)
    SELECT r.id, 'other' || u FROM rooms r, generate_series(1, 200) u WHERE r.id > 1;
    INSERT INTO messages (room, id, seq, sender, text, sent_at, transaction_id, text_digest)
    SELECT r, n, n, 'user' || n % 200, 'hello ' || n, n, 'key' || n, '\\x00'
      FROM generate_series(1, 10) r, generate_series(1, 5000) n;";

async fn plan(client: &Client, sql: Sql, arguments: &str) -> String {
    let explain = format!("PREPARE q AS {}; EXPLAIN EXECUTE q ({arguments}); DEALLOCATE q", sql.0);
    let lines = client.simple_query(&explain).await.unwrap();
    let lines = lines.iter().filter_map(|line| match line {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One large room, of which PostgreSQL knows nothing yet.
const IMPORTED: &str = "
    ALTER TABLE messages SET (autovacuum_enabled = off);
    INSERT INTO rooms (title, created_at) VALUES ('t', 0);
    INSERT INTO messages (room, id, seq, sender, text, sent_at)
    SELECT 1, n, n, 'user', repeat('hello ', 20), n FROM generate_series(1, 50000) n;";

#[tokio::test]
async fn an_export_of_a_room_that_was_just_imported_sorts_nothing() {
    let client = migrated().await;
    client.batch_execute(IMPORTED).await.unwrap();
    client.batch_execute("RESET ALL").await.unwrap();
    client.batch_execute(admin::SETTINGS).await.unwrap();
    for mode in ["force_custom_plan", "force_generic_plan"] {
        client.batch_execute(&format!("SET plan_cache_mode = {mode}")).await.unwrap();
        let plan = plan(&client, admin::MESSAGES, "1, 500, 500").await;
        assert!(plan.contains("Index Scan using messages_pkey") && !plan.contains("Sort"), "{plan}");
    }
}

/// A room that has just been made, with the first words in it.
const BEGUN: &str = "
    INSERT INTO rooms (title, created_at, last_id, last_seq) VALUES ('t', 0, 20, 20);
    INSERT INTO members SELECT 1, 'user' || u FROM generate_series(1, 20) u;
    INSERT INTO messages (room, id, seq, sender, text, sent_at, transaction_id, text_digest)
    SELECT 1, n, n, 'user' || n, 'hello', n, 'key' || n, '\\x00' FROM generate_series(1, 20) n;";

/// Many rooms, in each of which one thing was said: a room is taken for a message.
const SCATTERED: &str = "
    TRUNCATE rooms, members, messages RESTART IDENTITY;
    INSERT INTO rooms (title, created_at, last_id, last_seq) SELECT 't', 0, 1, 1 FROM generate_series(1, 5000);
    INSERT INTO members SELECT r.id, 'user' || r.id % 50, 0 FROM rooms r;
    INSERT INTO messages (room, id, seq, sender, text, sent_at, transaction_id, text_digest)
    SELECT r.id, 1, 1, 'user' || r.id % 50, 'hello', 0, 'key' || r.id, '\\x00' FROM rooms r;";

/// What is asked often: with arguments, the indexes that find it, and a comparison that one of them makes.
const OFTEN: &[(Sql, &str, &[&str], &str)] = &[
    // One member of one room is the same look-up by either index of theirs.
    (super::PAGE_AFTER, "3, 'user7', 4800, 100, 262144", &["messages_by_seq"], "seq >"),
    (admin::MESSAGES, "3, 4000, 100", &["messages_pkey"], "id >"),
    (super::PAGE_BEFORE, "3, 'user7', 4000, 100, 262144", &["messages_pkey"], "id <"),
    (super::PAGE_BEFORE, "3, 'user7', 9223372036854775807, 100, 262144", &["messages_pkey"], "id <"),
    (super::CHANGES, "3, 4800, 1, 500, 262144", &["messages_by_seq", "members_pkey"], "seq >"),
    (super::ROOMS_OF, "'user7'", &["members_by_user", "rooms_pkey", "messages_pkey"], "id ="),
    (super::MARKER, "3, 'user7'", &["members_", "messages_pkey"], "id >"),
    (super::MARK_READ, "3, 'user7', 4500", &["members_", "rooms_pkey"], "user_id ="),
    (super::BY_KEYS, "3, '{user7}', '{key7}'", &["messages_by_key"], "transaction_id ="),
    (super::BY_IDS, "3, '{7,8}'", &["messages_pkey"], "id ="),
    (super::UPDATE_MESSAGES, "3, '{7}', '{5001}', '{a}', '{1}', '{f}'", &["messages_pkey"], "id ="),
    (super::MEMBERS_AMONG, "3, '{user7}'", &["members_"], "user_id ="),
    (super::LOCK_ROOM, "3", &["rooms_pkey"], "id ="),
    (super::DELETE_MEMBERS, "3, '{user7}'", &["members_by_user"], "user_id ="),
    (super::UPDATE_ROOM, "3, 5001, 5001, 0", &["rooms_pkey"], "id ="),
    (super::OLD_KEYS, "0, 0, 1000", &["rooms_pkey", "messages_pkey"], "id >"),
    (super::ROOM_BY_KEY, "'user7', 'key7'", &["rooms_by_key"], "creation_key ="),
    (super::CLEAR_CREATION, "3, 0", &["rooms_"], "id ="),
    (super::KEYS_FROM, "3, 5", &["rooms_pkey"], "id ="),
    (super::WHICH_KEYS, "3, 0, 500", &["messages_pkey"], "id <"),
    (super::CLEAR_KEYS, "3, 1, 500", &["messages_pkey"], "id <"),
];

/// What does not look for anything.
const FINDS_NOTHING: &[&str] = &["PING", "CREATE_ROOM", "INSERT_MESSAGES", "INSERT_MEMBERS"];

#[test]
fn the_plan_of_every_statement_is_looked_at() {
    for (name, sql) in super::ALL {
        let looked_at = OFTEN.iter().any(|(often, ..)| often.0 == sql.0);
        assert!(looked_at != FINDS_NOTHING.contains(name), "{name}");
    }
}

/// A connection keeps its plans until autovacuum has looked at the tables again: so they must be the same in an empty
/// table, in a small one and in a large one, whether or not PostgreSQL has statistics.
#[tokio::test]
async fn whatever_is_asked_often_is_found_by_its_index_and_never_sorted() {
    let client = migrated().await;
    for (state, change) in [
        ("empty", ""),
        ("begun", BEGUN),
        ("begun, known", "ANALYZE"),
        ("scattered", SCATTERED),
        ("scattered, known", "ANALYZE"),
        ("crowd", CROWD),
        ("crowd, known", "ANALYZE"),
    ] {
        client.batch_execute(change).await.unwrap();
        for (sql, arguments, indexes, comparison) in OFTEN {
            let plan = plan(&client, *sql, arguments).await;
            let shown = format!("{state}:\n{}\n{plan}", sql.0);
            for index in *indexes {
                assert!(plan.contains(index), "{index} in {shown}");
            }
            for slow in ["Seq Scan", "Sort", "Bitmap", "Hash", "Materialize"] {
                assert!(!plan.contains(slow), "{slow} in {shown}");
            }
            let sought = |line: &str| line.contains("Index Cond") && line.contains(comparison);
            assert!(plan.lines().any(sought), "no index looks for {comparison} in {shown}");
        }
    }
}
