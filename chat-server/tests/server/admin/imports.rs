//! Imports that go wrong, and large ones.

use super::{Ended, admin, does, does_json, eventually, header, line, refuses, room_file};
use crate::common::{Server, binary};
use chat_protocol::{ErrorCode, RoomId};
use rusqlite::Connection;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn rooms(database: &Path) -> Vec<Value> {
    does_json(database, &["room", "list", "--json"]).as_array().unwrap().clone()
}

/// Rows of the database that no room owns up to.
fn leftovers(database: &Path) -> i64 {
    Connection::open(database)
        .unwrap()
        .query_row("SELECT (SELECT count(*) FROM rooms) + (SELECT count(*) FROM messages)", [], |row| {
            row.get(0)
        })
        .unwrap()
}

/// An import that has 20,000 of 30,000 messages in the database and waits for more.
fn half_an_import(database: &Path) -> Child {
    let mut import = binary()
        .args(["import", "-", "--database"])
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let file = room_file(30_000, |_| ());
    let some: String = file.split_inclusive('\n').take(25_000).collect();
    import.stdin.as_mut().unwrap().write_all(some.as_bytes()).unwrap();
    eventually("20,000 messages are there", || {
        rooms(database).iter().find(|room| room["unfinished_import"] == 20_000).map(drop)
    });
    import
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn nobody_sees_a_room_before_it_is_whole_and_an_interrupted_import_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let server = Server::start_on(&database, &[]);
    for name in ["-INT", "-TERM"] {
        let mut import = half_an_import(&database);
        let room: RoomId = serde_json::from_value(rooms(&database)[0]["id"].clone()).unwrap();
        let alice = server.user("alice");
        assert!(alice.rooms().await.rooms.is_empty());
        alice.ask(room, "").await.is(ErrorCode::NotAMember);

        let stdin = import.stdin.take();
        signal(&import, name);
        let ended = Ended::from(import.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{name}: {ended:?}");
        assert_eq!(leftovers(&database), 0, "{name}");
        drop(stdin);
    }
}

#[test]
fn what_a_killed_import_has_left_is_shown_and_can_be_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    does(&database, &["migrate"]);
    let mut import = half_an_import(&database);
    import.kill().unwrap();
    import.wait().unwrap();

    let listed = does(&database, &["room", "list"]);
    assert!(
        listed.contains("20,000") && listed.contains("unfinished import: chat-server room discard 1"),
        "{listed}"
    );
    assert!(does(&database, &["room", "show", "1"]).contains("after 20000 messages"));
    for args in [&["member", "add", "1", "alice"][..], &["export", "1"]] {
        assert!(refuses(&database, args).contains("room 1 is not whole"), "{args:?}");
    }
    assert_eq!(does(&database, &["room", "discard", "1"]), "room 1 is gone\n");
    assert_eq!(leftovers(&database), 0);
}

#[test]
fn an_import_whose_room_was_discarded_ends() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    does(&database, &["migrate"]);
    let mut import = half_an_import(&database);
    does(&database, &["room", "discard", "1"]);
    let rest: String = room_file(30_000, |_| ()).split_inclusive('\n').skip(25_000).collect();
    // It ends before it has read everything.
    let _ = import.stdin.take().unwrap().write_all(rest.as_bytes());
    let ended = Ended::from(import.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("the unfinished room was discarded meanwhile"), "{ended:?}");
    assert_eq!(leftovers(&database), 0);
}

#[test]
fn a_bad_line_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    does(&database, &["migrate"]);
    let path = file.to_str().unwrap();
    let replace = |id: usize, with: String| {
        room_file(12_000, |file| {
            let start = file.find(&format!("{{\"id\":{id},")).unwrap();
            let end = start + file[start..].find('\n').unwrap() + 1;
            file.replace_range(start..end, &with);
        })
    };
    let key_of_11 = {
        let file = room_file(11, |_| ());
        let line: Value = serde_json::from_str(file.lines().nth(11).unwrap()).unwrap();
        line["transaction_id"].as_str().unwrap().to_owned()
    };
    for (file, said) in [
        (replace(11_002, line(11_002, 11_002, "key", " blank ")), "line 11003, text: not normalised"),
        // Of the same transaction, and of one before it.
        (
            replace(11_002, line(11_002, 11_001, "key", "x")),
            "line 11003, seq: another message of the file has the same",
        ),
        (
            replace(11_002, line(11_002, 7, "key", "x")),
            "line 11003, seq: another message of the file has the same",
        ),
        (
            replace(11_002, line(11_002, 11_002, &key_of_11, "x")),
            "line 11003, transaction_id: another message of the file has the same",
        ),
        (header(12_000), "line 2: the file ends here, after 0 of 12000 messages: it was cut short"),
        (String::new(), "line 1: the file is empty"),
    ] {
        fs::write(path, file).unwrap();
        let ended = refuses(&database, &["import", path]);
        assert!(ended.contains(said) && ended.contains("nothing was imported"), "{said}: {ended}");
        assert!(ended.contains(path), "{ended}");
        assert_eq!(leftovers(&database), 0, "{said}");
    }
    let said = refuses(&database, &["import", folder.path().to_str().unwrap()]);
    assert!(said.contains("cannot read") && said.contains("directory"), "{said}");
}

#[tokio::test]
async fn people_go_on_talking_while_a_hundred_thousand_messages_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    fs::write(&file, room_file(100_000, |_| ())).unwrap();
    let server = Server::start_on(&database, &[]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let import = {
        let (database, file) = (database.clone(), file.clone());
        tokio::task::spawn_blocking(move || admin(&database, &["import", file.to_str().unwrap()]))
    };
    let (mut said, mut longest) = (0, Duration::ZERO);
    while !import.is_finished() || said == 0 {
        let asked = Instant::now();
        alice.say(room, "go on").await; // 201, or it fails
        longest = longest.max(asked.elapsed());
        said += 1;
    }
    let ended = import.await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("room 2: 100,000 messages, 2 members, in "), "{ended:?}");
    assert!(said >= 5 && longest < Duration::from_secs(5), "{said} said, the longest took {longest:?}");
    let moved = RoomId::new(2).unwrap();
    assert_eq!(alice.rooms().await.rooms[1].unread, 100_000);
    assert_eq!(alice.say(moved, "all here").await.id.get(), 100_001);
}

#[test]
fn a_person_sees_a_bar_and_a_log_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    fs::write(&file, room_file(30_000, |_| ())).unwrap();
    does(&database, &["migrate"]);
    let path = file.to_str().unwrap();

    // util-linux's `script` lends it a terminal.
    let program = binary().get_program().to_str().unwrap().to_owned();
    let command = format!("{program} import {path} --database {}", database.display());
    let output =
        Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{seen}");
    assert!(seen.contains("import [===") && seen.contains("% ") && seen.contains("messages, "), "{seen}");

    let ended = admin(&database, &["import", path]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
