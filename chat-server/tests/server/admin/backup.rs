//! Backups and giving space back, while people talk.

use super::{does, does_json, refuses, room_file};
use crate::common::{Server, ids};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Runs a command in a thread, as the test's own goes on answering.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_made_while_people_talk_has_all_that_was_confirmed_before_it_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let (database, copy) = (folder.path().join("chat.db"), copies.path().join("copy.db"));
    // Some ten megabytes, so that the copy takes many steps.
    let file = folder.path().join("room.jsonl");
    fs::write(&file, room_file(30_000, |_| ())).unwrap();
    does(&database, &["migrate"]);
    does(&database, &["import", file.to_str().unwrap()]);

    let server = Server::start_on(&database, &["--user-rate", "0"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let (newest, talking) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(true)));
    let talkers: Vec<_> = (0..8)
        .map(|_| {
            let (alice, newest, talking) = (alice.clone(), newest.clone(), talking.clone());
            tokio::spawn(async move {
                while talking.load(Ordering::Relaxed) {
                    newest.fetch_max(alice.say(room, "and on").await.id.get(), Ordering::Relaxed);
                }
            })
        })
        .collect();
    let before = loop {
        match newest.load(Ordering::Relaxed) {
            0 => tokio::task::yield_now().await,
            some => break some,
        }
    };
    let (from, to) = (database.clone(), copy.clone());
    let said = beside(move || does_json(&from, &["backup", to.to_str().unwrap(), "--json"])).await;
    let after = newest.load(Ordering::Relaxed);
    talking.store(false, Ordering::Relaxed);
    for talker in talkers {
        talker.await.unwrap();
    }
    assert_eq!(said["rooms"], 2);

    // One file, for its owner alone.
    assert_eq!(names(copies.path()), ["copy.db"]);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);

    let restored = Server::start_on(&copy, &[]);
    let alice = restored.user("alice");
    let page = alice.page(room, "?limit=1").await;
    let kept = ids(&page)[0];
    assert!((before..=after + 8).contains(&kept), "{before} <= {kept} <= {after}");
    assert_eq!(said["messages"], 30_000 + kept);
    assert_eq!(alice.say(room, "from here on").await.id.get(), kept + 1);
}

#[test]
fn a_backup_replaces_nothing_unless_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let (database, copy) = (folder.path().join("chat.db"), folder.path().join("copy.db"));
    does(&database, &["migrate"]);
    fs::write(&copy, "dear diary").unwrap();
    let to = copy.to_str().unwrap();
    assert!(refuses(&database, &["backup", to]).contains("--force"));
    assert_eq!(fs::read(&copy).unwrap(), b"dear diary");
    does(&database, &["backup", to, "--force"]);
    assert_eq!(does(&copy, &["room", "list"]), "no rooms\n");
    assert!(refuses(&database, &["backup", "/nowhere/copy.db"]).contains("cannot write /nowhere/copy.db"));
}

#[test]
fn a_damaged_database_gives_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    fs::write(&file, room_file(1_000, |_| ())).unwrap();
    does(&database, &["migrate"]);
    does(&database, &["import", file.to_str().unwrap()]);
    // Somewhere in the middle of a message's page.
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xff);
    fs::write(&database, bytes).unwrap();
    let said = refuses(&database, &["backup", copies.path().join("copy.db").to_str().unwrap()]);
    assert!(said.contains("the copy is damaged, and so may be the database"), "{said}");
    assert_eq!(names(copies.path()), Vec::<String>::new());
}

#[test]
fn a_backup_can_be_made_before_the_schema_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let (database, copy) = (folder.path().join("chat.db"), folder.path().join("copy.db"));
    does(&database, &["migrate"]);
    let connection = Connection::open(&database).unwrap();
    let newest: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", newest - 1).unwrap();
    let said = does_json(&database, &["backup", copy.to_str().unwrap(), "--json"]);
    assert_eq!(said["schema_version"], newest - 1);
}

#[tokio::test]
async fn vacuum_gives_back_what_a_discarded_room_took_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    let server = Server::start_on(&database, &[]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    alice.say(room, "before").await;
    // Fails at its end, so that everything is taken away again.
    let damaged = room_file(20_000, |_| ()).replace("\"sha256\":\"", "\"sha256\":\"0");
    fs::write(&file, damaged).unwrap();
    refuses(&database, &["import", file.to_str().unwrap()]);
    let gained = does_json(&database, &["vacuum", "--json"]);
    let bytes = |name: &str| gained[name].as_u64().unwrap();
    assert!(bytes("bytes_before") > 4 << 20 && bytes("bytes_after") < 1 << 20, "{gained}");
    assert_eq!(alice.say(room, "after").await.id.get(), 2);
    assert_eq!(alice.page(room, "").await.messages[0].text, "before");
}

#[tokio::test]
async fn a_vacuum_beside_somebody_who_reads_on_and_on_is_soon_over_and_keeps_nobody_from_writing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let server = Server::start_on(&database, &["--user-rate", "0"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let reader = Connection::open(&database).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM rooms").unwrap();
    let (begun, from) = (Instant::now(), database.clone());
    let vacuum = tokio::task::spawn_blocking(move || does(&from, &["vacuum"]));
    while !vacuum.is_finished() {
        alice.say(room, "go on").await; // 201, or it fails
    }
    assert!(vacuum.await.unwrap().contains("somebody is reading the file"));
    // A minute is what a command waits for a lock.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
