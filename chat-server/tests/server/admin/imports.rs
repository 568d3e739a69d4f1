//! Imports that go wrong, and large ones.

use super::{
    Ended, Place, admin, does, does_json, eventually, header, line, on_both, refuses, room_file, signal,
};
use crate::common::{Server, binary};
use chat_protocol::{ErrorCode, RoomId};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn rooms(database: &Path) -> Vec<Value> {
    does_json(database, &["room", "list", "--json"]).as_array().unwrap().clone()
}

/// An import that has 20,000 of 30,000 messages in the database and waits for more.
fn half_an_import(database: &Path) -> Child {
    import_waiting(database, 30_000, 25_000)
}

/// An import of so many messages that has been given so many lines, 20,000 messages of which it has kept.
fn import_waiting(database: &Path, messages: usize, lines: usize) -> Child {
    let mut import = binary()
        .args(["import", "-", "--database"])
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let file = room_file(messages, |_| ());
    let some: String = file.split_inclusive('\n').take(lines).collect();
    import.stdin.as_mut().unwrap().write_all(some.as_bytes()).unwrap();
    eventually("20,000 messages are there", || {
        rooms(database).iter().find(|room| room["unfinished_import"] == 20_000).map(drop)
    });
    import
}

/// Runs a command to its end, and returns the most memory that it had, in bytes.
fn peak_memory(database: &Path, args: &[&str]) -> u64 {
    let mut child = binary()
        .args(args)
        .arg("--database")
        .arg(database)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        if let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            peak = line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10;
        }
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{args:?}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

on_both! {
async fn nobody_sees_a_room_before_it_is_whole_and_an_interrupted_import_leaves_nothing(place: Place) {
    let server = Server::start_on(&place.database, &[]);
    for name in ["-INT", "-TERM"] {
        let mut import = half_an_import(&place.database);
        let room: RoomId = serde_json::from_value(rooms(&place.database)[0]["id"].clone()).unwrap();
        let alice = server.user("alice");
        assert!(alice.rooms().await.rooms.is_empty());
        alice.ask(room, "").await.is(ErrorCode::NotAMember);

        let stdin = import.stdin.take();
        signal(&import, name);
        let ended = Ended::from(import.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{name}: {ended:?}");
        assert_eq!(place.rows(), 0, "{name}");
        drop(stdin);
    }
}

async fn what_a_killed_import_has_left_is_shown_and_can_be_discarded(place: Place) {
    let mut import = half_an_import(&place.database);
    import.kill().unwrap();
    import.wait().unwrap();

    let listed = does(&place.database, &["room", "list"]);
    assert!(
        listed.contains("20,000") && listed.contains("unfinished import: chat-server room discard 1"),
        "{listed}"
    );
    assert!(does(&place.database, &["room", "show", "1"]).contains("after 20000 messages"));
    for args in [&["member", "add", "1", "alice"][..], &["export", "1"]] {
        assert!(refuses(&place.database, args).contains("room 1 is not whole"), "{args:?}");
    }
    assert_eq!(does(&place.database, &["room", "discard", "1"]), "room 1 is gone\n");
    assert_eq!(place.rows(), 0);
}

async fn an_import_whose_room_was_discarded_ends(place: Place) {
    let mut import = half_an_import(&place.database);
    does(&place.database, &["room", "discard", "1"]);
    let rest: String = room_file(30_000, |_| ()).split_inclusive('\n').skip(25_000).collect();
    // It ends before it has read everything.
    let _ = import.stdin.take().unwrap().write_all(rest.as_bytes());
    let ended = Ended::from(import.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("the unfinished room was discarded meanwhile"), "{ended:?}");
    assert_eq!(place.rows(), 0);
}

async fn an_import_of_whose_room_a_part_was_discarded_ends_and_leaves_nothing(place: Place) {
    // With a batch to come, and with nothing but the last line.
    for (messages, given) in [(30_000, 25_000), (20_000, 20_001)] {
        let mut import = import_waiting(&place.database, messages, given);
        // As the first step of a discard.
        place.change("DELETE FROM messages WHERE id > 10000");
        let rest: String = room_file(messages, |_| ()).split_inclusive('\n').skip(given).collect();
        let _ = import.stdin.take().unwrap().write_all(rest.as_bytes());
        let ended = Ended::from(import.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains("the unfinished room was discarded meanwhile"), "{ended:?}");
        assert_eq!(place.rows(), 0);
    }
}

async fn a_bad_line_is_named_and_leaves_nothing(place: Place) {
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
        let path = place.file(file);
        let ended = refuses(&place.database, &["import", &path]);
        assert!(ended.contains(said) && ended.contains("nothing was imported"), "{said}: {ended}");
        assert!(ended.contains(&path), "{ended}");
        assert_eq!(place.rows(), 0, "{said}");
    }
    let said = refuses(&place.database, &["import", &place.path(".")]);
    assert!(said.contains("cannot be read") && said.contains("directory"), "{said}");
}

async fn people_go_on_talking_while_a_hundred_thousand_messages_come_in(place: Place) {
    let file = place.file(room_file(100_000, |_| ()));
    let server = Server::start_on(&place.database, &["--user-rate", "0"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let import = {
        let database = place.database.clone();
        tokio::task::spawn_blocking(move || admin(&database, &["import", &file]))
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

async fn a_person_sees_a_bar_and_a_log_gets_none(place: Place) {
    let path = place.file(room_file(30_000, |_| ()));

    // util-linux's `script` lends it a terminal.
    let program = binary().get_program().to_str().unwrap().to_owned();
    let command = format!("{program} import {path} --database {}", place.database.display());
    let output =
        Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{seen}");
    assert!(seen.contains("import [===") && seen.contains("% ") && seen.contains("messages, "), "{seen}");

    let ended = admin(&place.database, &["import", &path]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

async fn a_million_messages_go_in_and_out_in_the_memory_of_some_thousands(place: Place) {
    let file = place.path("million.jsonl");
    let whole = room_file(1_000_000, |_| ());
    fs::write(&file, &whole).unwrap();
    let copy = place.path("copy.jsonl");
    for args in [&["import", &file][..], &["export", "1", &copy]] {
        let peak = peak_memory(&place.database, args);
        assert!(peak < 64 << 20, "{args:?} took {} MiB for a file of {}", peak >> 20, whole.len() >> 20);
    }
    assert!(fs::read_to_string(&copy).unwrap() == whole, "to the byte");
}
}
