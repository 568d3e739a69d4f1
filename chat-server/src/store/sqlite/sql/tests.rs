//! Every statement against the newest schema: that it is one, and that it finds its rows by an index.

use super::super::{admin, connection, migrations};
use crate::store::sql::Sql;
use rusqlite::Connection;
use tempfile::TempDir;

fn migrated() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connection::open_writer(&folder.path().join("t.db")).unwrap();
    migrations::run(&mut connection).unwrap();
    (folder, connection)
}

#[test]
fn every_statement_is_one_of_the_newest_schema() {
    let (_folder, connection) = migrated();
    for (name, sql) in super::ALL.iter().chain(admin::sql::ALL) {
        if let Err(error) = connection.prepare(sql.0) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn no_statement_is_asked_past_the_table() {
    // Schema, pragmas and what is asked of a copy are no questions.
    let aside = ["sql.rs", "connection.rs", "migrations.rs", "backup.rs"];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite");
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if !file.is_file() || aside.contains(&name.as_str()) {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        for past in [".prepare", "SELECT ", "UPDATE ", "INSERT ", "DELETE "] {
            assert!(!source.contains(past), "{name} asks past the table: {past}");
        }
    }
}

/// Ten rooms of five thousand messages each, with their members; the first user is in all of them.
const CROWD: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
    INSERT INTO rooms (title, created_at, last_id, last_seq) SELECT 't', 0, 5000, 5000 FROM n WHERE n <= 10;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
    INSERT INTO members SELECT r.id, 'user' || n, 4000 FROM rooms r, n WHERE n <= 200;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
    INSERT INTO messages (room, id, seq, sender, text, sent_at, transaction_id, text_digest)
    SELECT r.id, n, n, 'user' || (n % 200), 'hello ' || n, n, 'key' || n, x'00' FROM rooms r, n;";

/// What finds rows, and how: steps of the plan.
const FINDS: &[(Sql, &[&str])] = &[
    (super::ACCESS, &["SEARCH r USING INTEGER PRIMARY KEY", "SEARCH m USING"]),
    (super::HEAD, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (
        super::ROOMS_OF,
        &[
            "SEARCH me USING INDEX members_by_user (user=?)",
            "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH m USING PRIMARY KEY (room=? AND id=?)",
            "SEARCH u USING PRIMARY KEY (room=? AND id>?)",
        ],
    ),
    (super::INSERT_MEMBER, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (super::DELETE_MEMBER, &["SEARCH members USING PRIMARY KEY (room=? AND user=?)"]),
    (super::COUNT_REMOVAL, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (super::MEMBERS, &["SEARCH members USING PRIMARY KEY (room=?)"]),
    (super::ADVANCE_MARKER, &["SEARCH members USING PRIMARY KEY (room=? AND user=?)"]),
    (super::MARKER, &["SEARCH u USING PRIMARY KEY (room=? AND id>?)"]),
    (super::BY_KEY, &["SEARCH m USING INDEX messages_by_key (room=? AND sender=? AND transaction_id=?)"]),
    (super::BY_ID, &["SEARCH m USING PRIMARY KEY (room=? AND id=?)"]),
    (super::AFTER, &["SEARCH m USING INDEX messages_by_seq (room=? AND seq>?)"]),
    (super::BEFORE, &["SEARCH m USING PRIMARY KEY (room=? AND id<?)"]),
    (super::NEXT_ID, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (super::NEXT_SEQ, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (super::EDIT, &["SEARCH messages USING PRIMARY KEY (room=? AND id=?)"]),
    (super::DELETE, &["SEARCH messages USING PRIMARY KEY (room=? AND id=?)"]),
    (
        super::OLD_KEYS,
        &["SEARCH rooms USING INTEGER PRIMARY KEY (rowid>?)", "SEARCH m USING PRIMARY KEY (room=? AND id=?)"],
    ),
    (super::WHICH_KEYS, &["SEARCH m USING PRIMARY KEY (room=? AND id>? AND id<?)"]),
    (super::CLEAR_KEYS, &["SEARCH messages USING PRIMARY KEY (room=? AND id>? AND id<?)"]),
    (super::ROOM_BY_KEY, &["SEARCH rooms USING INDEX rooms_by_key (creator=? AND creation_key=?)"]),
    (super::CLEAR_CREATION, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (super::KEYS_FROM, &["SEARCH rooms USING INTEGER PRIMARY KEY"]),
    (admin::sql::ROOM, &["SEARCH r USING INTEGER PRIMARY KEY", "SEARCH messages USING PRIMARY KEY (room=?)"]),
    (admin::sql::MESSAGES, &["SEARCH m USING PRIMARY KEY (room=? AND id>?)"]),
    (admin::sql::DELETE_MESSAGES, &["SEARCH messages USING PRIMARY KEY (room=? AND id>?)"]),
];

/// What does not look for anything.
const FINDS_NOTHING: &[&str] = &["PING", "INSERT_ROOM", "INSERT_MESSAGE"];

#[test]
fn every_statement_finds_its_rows_by_its_index_and_sorts_nothing() {
    for (name, sql) in super::ALL {
        let tested = FINDS.iter().any(|(found, _)| found.0 == sql.0);
        assert!(tested != FINDS_NOTHING.contains(name), "{name} is not looked at");
    }
    let (_folder, connection) = migrated();
    connection.execute_batch(CROWD).unwrap();
    for statistics in ["", "ANALYZE"] {
        connection.execute_batch(statistics).unwrap();
        for (sql, steps) in FINDS {
            let plan = plan(&connection, *sql);
            for step in *steps {
                assert!(plan.iter().any(|known| known.starts_with(step)), "{step} in\n{}\n{plan:#?}", sql.0);
            }
            // What a subquery has found is read through.
            let slow = |step: &&String| {
                (step.starts_with("SCAN") && *step != "SCAN r") || step.contains("TEMP B-TREE")
            };
            assert_eq!(plan.iter().find(slow), None, "{}", sql.0);
        }
    }
}

fn plan(connection: &Connection, sql: Sql) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.0)).unwrap();
    for parameter in 1..=explain.parameter_count() {
        explain.raw_bind_parameter(parameter, 3).unwrap();
    }
    let (mut rows, mut plan) = (explain.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get("detail").unwrap());
    }
    plan
}
