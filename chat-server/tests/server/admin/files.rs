//! A room as a file, and the file as a room.

use super::{Place, does, does_json, on_both, refuses, room_file};
use crate::common::{Api, Server, binary};
use chat_protocol::{Message, RoomId};
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
async fn a_room_that_moved_from_one_database_to_the_other_and_back_is_the_same_room() {
    let (here, there, home) = (Place::sqlite(), Place::postgres(), Place::sqlite());
    let first = Server::start_on(&here.database, &[]);
    let room = eventful_room(&first.user("alice"), &first.user("bob")).await;
    let file = here.path("room.jsonl");
    let said = does(&here.database, &["export", "1", &file]);
    assert!(said.contains("5 messages"), "{said}");
    assert!(refuses(&here.database, &["export", "1", &file]).contains("--force"));

    let written = fs::read_to_string(&file).unwrap();
    for place in [&there, &home] {
        let second = Server::start_on(&place.database, &[]);
        // Another room has this one's number there.
        second.user("carol").make_room(&[]).await;
        let imported = does_json(&place.database, &["import", &file, "--json"]);
        assert_eq!((&imported["room"], &imported["messages"]), (&2.into(), &5.into()));
        let moved = RoomId::new(2).unwrap();
        assert_eq!(does(&place.database, &["export", "2"]), written, "to the byte");

        for name in ["alice", "bob"] {
            let (before, after) = (first.user(name), second.user(name));
            for query in ["?limit=500", "?after=0&limit=500", "?before=3"] {
                assert_eq!(before.page(room, query).await, after.page(moved, query).await, "{name} {query}");
            }
            let (before, after) = (before.rooms().await.rooms.remove(0), after.rooms().await.rooms.remove(0));
            assert_eq!((before.unread, before.read_marker), (after.unread, after.read_marker), "{name}");
            assert_eq!(before.last_message, after.last_message);
        }
        // It goes on where it was.
        let alice = second.user("alice");
        let next = alice.say(moved, "six").await;
        assert_eq!((next.id.get(), next.seq.get()), (6, 10));
        assert_eq!(alice.edit(moved, 2, "zwei").await.status, 200);
    }
}

on_both! {
async fn an_export_is_of_the_moment_it_began_whatever_happens_meanwhile(place: Place) {
    // More than the pipe holds, and what waits to be written into it.
    let whole = room_file(5_000, |_| ());
    let file = place.file(&whole);
    let server = Server::start_on(&place.database, &[]);
    does(&place.database, &["import", &file]);

    let mut export = binary()
        .args(["export", "1", "--database"])
        .arg(&place.database)
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

async fn an_empty_room_and_another_title(place: Place) {
    let file = place.file(room_file(0, |_| ()));
    does(&place.database, &["import", &file]);
    does(&place.database, &["import", &file, "--title", "Old times"]);
    let rooms = does_json(&place.database, &["room", "list", "--json"]);
    assert_eq!((&rooms[0]["title"], &rooms[1]["title"]), (&"Moved".into(), &"Old times".into()));
    assert_eq!((&rooms[1]["members"], &rooms[1]["messages"]), (&2.into(), &0.into()));
    assert!(refuses(&place.database, &["import", &file, "--title", "\n"]).contains("the title is blank"));
}

async fn what_was_edited_before_the_move_is_replayed_by_what_it_first_said(place: Place) {
    let here = Place::sqlite();
    let first = Server::start_on(&here.database, &[]);
    let alice = first.user("alice");
    let room = alice.make_room(&[]).await;
    assert_eq!(alice.say_as(room, "a-key", "before").await.status, 201);
    assert_eq!(alice.edit(room, 1, "after").await.status, 200);
    let file = place.file(does(&here.database, &["export", "1"]));
    does(&place.database, &["import", &file]);

    // A phone that was off during the move has never had the answer to what it said.
    let second = Server::start_on(&place.database, &[]);
    let replay = second.user("alice").say_as(RoomId::new(1).unwrap(), "a-key", "before").await;
    assert_eq!(replay.status, 201, "{replay:?}");
    let message = replay.json::<Message>();
    assert_eq!((message.id.get(), message.text.as_str()), (1, "after"));
}

async fn messages_whose_keys_have_expired_move_without_them(place: Place) {
    let expired = |file: &mut String| {
        let lines = file.lines().map(|line| match line.split_once("\"transaction_id\":") {
            Some((before, _)) => format!("{before}\"transaction_id\":null}}\n"),
            None => format!("{line}\n"),
        });
        *file = lines.collect();
    };
    let file = place.file(room_file(3, expired));
    does(&place.database, &["import", &file]);
    let page = Server::start_on(&place.database, &[]).user("bob").page(RoomId::new(1).unwrap(), "").await;
    assert_eq!(page.messages.len(), 3);
    assert!(page.messages.iter().all(|message| message.transaction_id.is_none()));
}

async fn a_reader_that_goes_away_ends_an_export(place: Place) {
    let file = place.file(room_file(5_000, |_| ()));
    does(&place.database, &["import", &file]);
    let mut export = binary()
        .args(["export", "1", "--database"])
        .arg(&place.database)
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
}
