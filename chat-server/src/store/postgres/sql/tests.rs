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

#[tokio::test]
async fn whatever_is_asked_often_is_found_by_its_index_and_never_sorted() {
    let client = migrated().await;
    client.batch_execute(CROWD).await.unwrap();
    // With and without statistics, which come when autovacuum finds time; planned for these values, and once
    // for all, as a connection does from the sixth time on.
    for statistics in ["", "ANALYZE"] {
        client.batch_execute(statistics).await.unwrap();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            client.batch_execute(&format!("SET plan_cache_mode = {mode}")).await.unwrap();
            // One member of one room is the same look-up by either index of theirs.
            for (sql, arguments, indexes) in [
                (super::PAGE_AFTER, "3, 'user7', 4800, 100, 262144", &["messages_by_seq"][..]),
                (admin::MESSAGES, "3, 4000, 100", &["messages_pkey"]),
                (super::PAGE_BEFORE, "3, 'user7', 4000, 100, 262144", &["messages_pkey"]),
                (super::PAGE_BEFORE, "3, 'user7', 9223372036854775807, 100, 262144", &["messages_pkey"]),
                (super::CHANGES, "3, 4800, 1, 500, 262144", &["messages_by_seq", "members_pkey"]),
                (super::ROOMS_OF, "'user7'", &["members_by_user", "rooms_pkey", "messages_pkey"]),
                (super::MARKER, "3, 'user7'", &["members_", "messages_pkey"]),
                (super::MARK_READ, "3, 'user7', 4500", &["members_", "rooms_pkey"]),
                (super::BY_KEYS, "3, '{user7}', '{key7}'", &["messages_by_key"]),
                (super::BY_IDS, "3, '{7,8}'", &["messages_pkey"]),
                (super::MEMBERS_AMONG, "3, '{user7}'", &["members_"]),
                (super::LOCK_ROOM, "3", &["rooms_pkey"]),
            ] {
                let plan = plan(&client, sql, arguments).await;
                for index in indexes {
                    assert!(plan.contains(index), "{statistics} {mode}: {index} in\n{}\n{plan}", sql.0);
                }
                for slow in ["Seq Scan", "Sort", "Bitmap"] {
                    assert!(!plan.contains(slow), "{statistics} {mode}: {slow} in\n{}\n{plan}", sql.0);
                }
            }
        }
    }
}
