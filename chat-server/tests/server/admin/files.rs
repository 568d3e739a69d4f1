//! A room as a file, and the file as a room.

use super::{does, does_json, refuses, room_file};
use crate::common::{Api, Server, binary};
use chat_protocol::RoomId;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

/// A room in which everything has happened that can.
async fn eventful_room(alice: &Api, bob: &Api) -> RoomId {
    let room = alice.make_room(&["bob", "홍길동"]).await;
    for text in ["one", "둘 \"quoted\" \\ and a\nsecond line\u{202e}", "three", "four"] {
        alice.say(room, text).await;
    }
    bob.say(room, "five").await;
    assert_eq!(alice.edit(room, 1, "eins").await.status, 200);
    assert_eq!(alice.erase(room, 3).await.status, 200);
    assert_eq!(alice.edit(room, 4, "vier").await.status, 200);
    assert_eq!(alice.erase(room, 4).await.status, 200);
    assert_eq!(bob.mark(room, 2).await.status, 200);
    room
}

#[tokio::test]
async fn a_room_that_moved_to_another_server_is_the_same_room() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here.db"), folder.path().join("there.db"));
    let (first, second) = (Server::start_on(&here, &[]), Server::start_on(&there, &[]));
    let (alice, bob) = (first.user("alice"), first.user("bob"));
    let room = eventful_room(&alice, &bob).await;

    let file = folder.path().join("room.jsonl");
    let path = file.to_str().unwrap();
    let said = does(&here, &["export", "1", path]);
    assert!(said.contains("5 messages"), "{said}");
    assert!(refuses(&here, &["export", "1", path]).contains("--force"));
    // Another room has this one's number there.
    second.user("carol").make_room(&[]).await;
    let imported = does_json(&there, &["import", path, "--json"]);
    assert_eq!((&imported["room"], &imported["messages"]), (&2.into(), &5.into()));
    let moved = RoomId::new(2).unwrap();

    for name in ["alice", "bob"] {
        let (before, after) = (first.user(name), second.user(name));
        for query in ["?limit=500", "?after=0&limit=500", "?before=3"] {
            assert_eq!(before.page(room, query).await, after.page(moved, query).await, "{name} {query}");
        }
        let (before, after) = (before.rooms().await.rooms.remove(0), after.rooms().await.rooms.remove(0));
        assert_eq!((before.unread, before.read_marker), (after.unread, after.read_marker), "{name}");
        assert_eq!(before.last_message, after.last_message);
    }
    assert_eq!(does(&there, &["export", "2"]), fs::read_to_string(&file).unwrap(), "to the byte");

    // It goes on where it was.
    let alice = second.user("alice");
    let next = alice.say(moved, "six").await;
    assert_eq!((next.id.get(), next.seq.get()), (6, 10));
    assert_eq!(alice.edit(moved, 2, "zwei").await.status, 200);
}

#[tokio::test]
async fn an_export_is_of_the_moment_it_began_whatever_happens_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    // More than the pipe holds, and what waits to be written into it.
    let whole = room_file(5_000, |_| ());
    fs::write(&file, &whole).unwrap();
    let server = Server::start_on(&database, &[]);
    does(&database, &["import", file.to_str().unwrap()]);

    let mut export = binary()
        .args(["export", "1", "--database"])
        .arg(&database)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(export.stdout.take().unwrap());
    let mut exported = String::new();
    stdout.read_line(&mut exported).unwrap();
    let room = RoomId::new(1).unwrap();
    let bob = server.user("bob");
    assert_eq!(bob.edit(room, 5_000, "edited meanwhile").await.status, 200);
    assert_eq!(bob.erase(room, 4_999).await.status, 200);
    bob.say(room, "said meanwhile").await;
    stdout.read_to_string(&mut exported).unwrap();
    assert!(export.wait().unwrap().success());
    assert!(exported == whole, "the export shows another moment");
}

#[test]
fn an_empty_room_and_another_title() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    does(&database, &["migrate"]);
    fs::write(&file, room_file(0, |_| ())).unwrap();
    let path = file.to_str().unwrap();
    does(&database, &["import", path]);
    does(&database, &["import", path, "--title", "Old times"]);
    let rooms = does_json(&database, &["room", "list", "--json"]);
    assert_eq!((&rooms[0]["title"], &rooms[1]["title"]), (&"Moved".into(), &"Old times".into()));
    assert_eq!((&rooms[1]["members"], &rooms[1]["messages"]), (&2.into(), &0.into()));
    assert!(refuses(&database, &["import", path, "--title", "\n"]).contains("the title is blank"));
}

#[test]
fn a_reader_that_goes_away_ends_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (folder.path().join("chat.db"), folder.path().join("room.jsonl"));
    does(&database, &["migrate"]);
    fs::write(&file, room_file(5_000, |_| ())).unwrap();
    does(&database, &["import", file.to_str().unwrap()]);
    let mut export = binary()
        .args(["export", "1", "--database"])
        .arg(&database)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(export.stdout.take());
    let mut said = String::new();
    export.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(export.wait().unwrap().code(), Some(1));
    assert!(said.contains("cannot write"), "{said}");
}
