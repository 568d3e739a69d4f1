//! What is confirmed is kept.

use crate::common::{DEADLINE, Server, binary, database, ids, key};
use chat_protocol::{Message, Page};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_confirmed_message_survives_kill_9_in_the_middle_of_writing() {
    let (database, _folder) = database();
    let server = Server::start_on(&database, &[]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let (sender, mut confirmations) = mpsc::unbounded_channel();
    for _ in 0..8 {
        let (alice, sender) = (alice.clone(), sender.clone());
        tokio::spawn(async move {
            loop {
                let post = alice.request(Method::POST, &format!("/v1/rooms/{room}/messages"));
                let post = post.header("Idempotency-Key", key()).json(&json!({ "text": "kept" }));
                let Ok(answer) = post.send().await else { return };
                assert_eq!(answer.status(), 201);
                let Ok(message) = answer.json::<Message>().await else { return };
                sender.send(message).unwrap();
            }
        });
    }
    drop(sender);
    let mut confirmed = Vec::new();
    while confirmed.len() < 100 {
        confirmed.push(confirmations.recv().await.unwrap());
    }
    server.kill(); // all eight are still writing
    while let Some(message) = tokio::time::timeout(DEADLINE, confirmations.recv()).await.unwrap() {
        confirmed.push(message);
    }

    let server = Server::start_on(&database, &[]);
    let alice = server.user("alice");
    // A transaction that the killed server had already asked PostgreSQL to commit may still be committing; this one
    // comes after it.
    let next = alice.say(room, "next").await;
    let (mut kept, mut cursor) = (Vec::new(), 0);
    loop {
        let page: Page = alice.page(room, &format!("?after={cursor}&limit=500")).await;
        cursor = page.cursor.get();
        kept.extend(page.messages);
        if !page.has_more {
            break;
        }
    }
    assert!(kept.iter().map(|message| message.id.get()).eq(1..=kept.len() as i64), "ids are dense");
    for message in confirmed {
        assert_eq!(kept[message.id.get() as usize - 1], message);
    }
    assert_eq!(kept.last(), Some(&next));
}

#[tokio::test]
async fn everything_is_there_after_a_restart_and_replays_are_still_known() {
    let (database, folder) = database();
    let server = Server::start_on(&database, &[]);
    let alice = server.user("alice");
    let room = alice.make_room(&["bob"]).await;
    let first = alice.say_as(room, "k", "hi").await;
    assert!(server.stop().status.success());
    if let Some(folder) = &folder {
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "a clean end leaves one file");
    }

    let server = Server::start_on(&database, &[]);
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    assert_eq!(alice.say_as(room, "k", "hi").await.body, first.body);
    assert_eq!(ids(&bob.page(room, "").await), [1]);
    assert_eq!(alice.make_room(&[]).await.get(), room.get() + 1);
}

fn refuses(database: &Path) -> String {
    let mut child = binary()
        .args(["--listen", "127.0.0.1:0", "--jwt-secret", "s", "--database"])
        .arg(database)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if !line.is_empty() {
        child.kill().unwrap(); // it would serve for ever
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!((status.code(), line.as_str()), (Some(1), ""));
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(!stderr.contains("panic"), "{stderr}");
    stderr
}

#[test]
fn a_database_that_cannot_be_used_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no/such/folder/chat.db");
    assert!(refuses(&nowhere).contains(nowhere.to_str().unwrap()));
    assert!(refuses(folder.path()).contains("cannot open the database"));
    assert!(refuses(Path::new(":memory:")).contains("must be a file"));

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "dear diary ".repeat(1_000)).unwrap();
    let said = refuses(&text);
    assert!(said.contains("cannot open the database") && said.contains("not a database"), "{said}");

    let foreign = folder.path().join("photos.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE photos (id)").unwrap();
    let before = std::fs::read(&foreign).unwrap();
    assert!(refuses(&foreign).contains("another program"));
    assert!(std::fs::read(&foreign).unwrap() == before, "to the byte, the journal mode among them");
}

#[test]
fn a_database_of_a_newer_server_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    Server::start_on(&database, &[]).stop();
    Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let stderr = refuses(&database);
    assert!(stderr.contains("version 99") && stderr.contains("newer server"), "{stderr}");
}
