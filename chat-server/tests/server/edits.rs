//! Editing and deleting: one's own, at once for everybody, and once however often it is asked.

use crate::common::{Answer, Api, Server, ids};
use chat_protocol::{ErrorCode, Message, RoomId};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// Alice and Bob in a room where Alice has said `texts`.
async fn room_with(server: &Server, texts: &[&str]) -> (Api, Api, RoomId) {
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    for text in texts {
        alice.say(room, text).await;
    }
    (alice, bob, room)
}

#[track_caller]
fn done(answer: &Answer) -> Message {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn an_edit_takes_the_next_seq_and_says_when() {
    let server = Server::start();
    let (alice, bob, room) = room_with(&server, &[]).await;
    let said: Message = alice.say_as(room, "alices-key", "helo").await.json();
    alice.say(room, "next").await;
    tokio::time::sleep(Duration::from_millis(2)).await; // the clock of the wire ticks in milliseconds
    let edited = done(&alice.edit(room, 1, " hello\u{3000}").await);
    assert_eq!((edited.id, edited.seq.get(), edited.text.as_str()), (said.id, 3, "hello"));
    assert!(edited.edited_at.unwrap() > edited.sent_at);
    assert_eq!(edited.sent_at, said.sent_at);
    assert_eq!(edited.transaction_id.as_ref().unwrap().as_str(), "alices-key");
    let stored = alice.page(room, "?after=2").await.messages.remove(0);
    assert_eq!(stored, edited, "the answer is what is stored");
    assert_eq!(
        bob.page(room, "?after=2").await.messages,
        [Message { transaction_id: None, ..edited }],
        "the key is told to the sender alone"
    );
}

#[tokio::test]
async fn an_edit_keeps_to_the_rules_of_text() {
    let server = Server::start();
    let (alice, _, room) = room_with(&server, &["kept"]).await;
    for (text, code) in [
        ("\u{3000}\n", ErrorCode::TextBlank),
        (&"가".repeat(4_001), ErrorCode::TextTooLong),
        ("a\0b", ErrorCode::TextInvalid),
    ] {
        alice.edit(room, 1, text).await.is(code);
    }
    assert_eq!(alice.page(room, "").await.messages[0].text, "kept");
    assert_eq!(alice.ask(room, "?after=1").await.status, 204, "what is refused takes no seq");
}

#[tokio::test]
async fn the_same_edit_again_is_answered_as_it_stands_and_takes_no_seq() {
    let server = Server::start();
    let (alice, _, room) = room_with(&server, &["one", "as it is"]).await;
    let first = alice.edit(room, 1, "two").await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    let again = alice.edit(room, 1, " two ").await;
    assert_eq!((again.status.as_u16(), again.body), (200, first.body));
    let never = done(&alice.edit(room, 2, "as it is").await);
    assert_eq!((never.seq.get(), never.edited_at), (2, None));
    assert_eq!(alice.ask(room, "?after=3").await.status, 204);
    assert_eq!(done(&alice.edit(room, 1, "three").await).seq.get(), 4);
}

#[tokio::test]
async fn a_deletion_leaves_a_tombstone_and_is_done_once() {
    let server = Server::start();
    let (alice, bob, room) = room_with(&server, &["one", "two"]).await;
    let edited = done(&alice.edit(room, 1, "uno").await);
    let first = alice.erase(room, 1).await;
    let tombstone = done(&first);
    assert_eq!((tombstone.seq.get(), tombstone.text.as_str(), tombstone.deleted), (4, "", true));
    assert_eq!((tombstone.edited_at, tombstone.sent_at), (edited.edited_at, edited.sent_at));
    assert_eq!(tombstone.transaction_id, edited.transaction_id);
    let again = alice.erase(room, 1).await;
    assert_eq!((again.status.as_u16(), again.body), (200, first.body));
    assert_eq!(alice.ask(room, "?after=4").await.status, 204, "no seq for the second time");
    alice.edit(room, 1, "back").await.is(ErrorCode::MessageDeleted);
    alice.edit(room, 1, "uno").await.is(ErrorCode::MessageDeleted);
    assert_eq!(ids(&bob.page(room, "").await), [1, 2], "ids stay dense");
}

#[tokio::test]
async fn only_the_sender_changes_a_message_and_only_while_in_the_room() {
    let server = Server::start();
    let (alice, bob, room) = room_with(&server, &["mine", "gone"]).await;
    alice.erase(room, 2).await;
    let elsewhere = bob.make_room(&[]).await;
    let nowhere = "99".parse().unwrap();
    for (who, room, id, code) in [
        (&bob, room, 1, ErrorCode::NotTheSender),
        (&bob, room, 2, ErrorCode::NotTheSender),
        (&alice, room, 3, ErrorCode::MessageNotFound),
        (&alice, room, i64::MAX, ErrorCode::MessageNotFound),
        (&bob, elsewhere, 1, ErrorCode::MessageNotFound),
        (&alice, elsewhere, 1, ErrorCode::NotAMember),
        (&alice, nowhere, 1, ErrorCode::RoomNotFound),
    ] {
        who.edit(room, id, "changed").await.is(code);
        who.erase(room, id).await.is(code);
    }
    let page = bob.page(room, "").await;
    assert_eq!((page.messages[0].text.as_str(), page.cursor.get()), ("mine", 3));
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/alice")).await.status, 204);
    alice.edit(room, 1, "changed").await.is(ErrorCode::NotAMember);
    alice.erase(room, 1).await.is(ErrorCode::NotAMember);
}

#[tokio::test]
async fn a_late_replay_of_the_post_finds_the_message_as_it_stands() {
    let server = Server::start();
    let (alice, _, room) = room_with(&server, &[]).await;
    alice.say_as(room, "k", "first words").await;
    let edited = done(&alice.edit(room, 1, "second words").await);
    let replay = alice.say_as(room, "k", "first words").await;
    assert_eq!((replay.status.as_u16(), replay.json::<Message>()), (201, edited));
    // The key belongs to the text it came with, not to what the message says by now.
    alice.say_as(room, "k", "second words").await.is(ErrorCode::IdempotencyKeyReused);
    let tombstone = done(&alice.erase(room, 1).await);
    // What it said first nobody knows any more.
    for text in ["first words", "other words"] {
        let replay = alice.say_as(room, "k", text).await;
        assert_eq!((replay.status.as_u16(), replay.json::<Message>()), (201, tombstone.clone()));
    }
    assert_eq!(ids(&alice.page(room, "").await), [1], "nothing was said twice");
}

#[tokio::test]
async fn deleted_text_is_gone_from_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let server = Server::start_on(&database, &[]);
    let (alice, _, room) = room_with(&server, &[]).await;
    let (short, long) = ("hush-hush", "hush-hush ".repeat(390)); // within a page of the file, and beyond one
    for text in [short, &long, "stays"] {
        alice.say(room, text).await;
    }
    assert_eq!(done(&alice.edit(room, 3, "kept on").await).text, "kept on");
    for id in [1, 2] {
        done(&alice.erase(room, id).await);
    }
    let texts = |connection: &Connection| -> Vec<String> {
        let mut rows = connection.prepare("SELECT text FROM messages ORDER BY id").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(texts(&Connection::open(&database).unwrap()), ["", "", "kept on"]);
    assert!(server.stop().status.success());
    let file = std::fs::read(&database).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds("kept on"), "the log was folded into the file");
    assert!(!holds("hush") && !holds("stays"), "the file still has what nobody can read");

    let (alice, server) = (alice, Server::start_on(&database, &[]));
    let alice = Api { url: server.url.clone(), ..alice };
    assert!(done(&alice.erase(room, 1).await).deleted, "a tombstone outlives the server");
}

#[tokio::test]
async fn what_changes_while_a_client_pages_comes_once_at_its_newest_seq() {
    let server = Server::start();
    let (alice, bob, room) = room_with(&server, &["1", "2", "3", "4", "5"]).await;
    let page = bob.page(room, "?after=0&limit=2").await;
    assert_eq!((ids(&page), page.has_more), (vec![1, 2], true));
    for text in ["drei", "trois"] {
        done(&alice.edit(room, 3, text).await); // ahead of the reader
    }
    done(&alice.erase(room, 1).await); // behind it
    let page = bob.page(room, "?after=2&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![4, 5], 5, true));
    let page = bob.page(room, "?after=5&limit=2").await;
    assert_eq!((ids(&page), page.cursor.get(), page.has_more), (vec![3, 1], 8, false));
    assert_eq!((page.messages[0].text.as_str(), page.messages[0].seq.get()), ("trois", 7));
    assert!(page.messages[1].deleted);
    assert_eq!(bob.ask(room, "?after=8").await.status, 204);
}

#[tokio::test]
async fn history_shows_the_present_and_its_cursor_is_the_rooms() {
    let server = Server::start();
    let (alice, bob, room) = room_with(&server, &["1", "2", "3", "4"]).await;
    done(&alice.erase(room, 1).await);
    done(&alice.edit(room, 4, "vier").await);
    done(&alice.edit(room, 2, "zwei").await);
    for (query, said) in [
        ("", vec!["", "zwei", "3", "vier"]),
        // The newest change is not of these pages.
        ("?limit=2", vec!["3", "vier"]),
        ("?before=4&limit=1", vec!["3"]),
        ("?before=2", vec![""]),
    ] {
        let page = bob.page(room, query).await;
        assert_eq!(page.messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), said, "{query}");
        assert_eq!(page.cursor.get(), 7, "{query}");
        assert!(page.messages.iter().all(|message| message.deleted == (message.id.get() == 1)));
    }
}

/// Says ten things, and changes one of them after each: some twice, some for good.
async fn restless(writer: Api, room: RoomId, n: usize) {
    let mut mine = Vec::new();
    for step in 0..10 {
        mine.push(writer.say(room, &format!("{n} says {step}")).await.id.get());
        let id = mine[(step * 7 + n) % mine.len()];
        let change = match (step + n) % 3 {
            0 => writer.erase(room, id).await,
            _ => writer.edit(room, id, &format!("{n} changes {step}")).await,
        };
        match change.status.as_u16() {
            200 => {}
            _ => drop(change.is(ErrorCode::MessageDeleted)),
        }
    }
}

#[tokio::test]
async fn a_reader_among_writers_who_edit_and_delete_ends_with_what_the_server_has() {
    const WRITERS: usize = 8;
    let server = Server::start();
    let reader = server.user("reader");
    let names: Vec<_> = (0..WRITERS).map(|n| format!("writer{n}")).collect();
    let room = reader.make_room(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut writers: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| tokio::spawn(restless(server.user(name), room, n)))
        .collect();

    let (mut cursor, mut known, mut seqs) = (0, BTreeMap::new(), HashSet::new());
    loop {
        // Asked before the page: what is new after the last writer has ended is still to be read.
        let over = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let answer = reader.ask(room, &format!("?after={cursor}&limit=3")).await;
        if answer.status == 204 {
            if over {
                break;
            }
            tokio::task::yield_now().await;
            continue;
        }
        let page: chat_protocol::Page = answer.json();
        let fresh: HashSet<_> = page.messages.iter().map(|message| message.id).collect();
        assert_eq!(fresh.len(), page.messages.len(), "no message twice in a page");
        for message in page.messages {
            assert!(message.seq.get() > cursor, "{} after {cursor}", message.seq);
            assert!(seqs.insert(message.seq), "{} came twice", message.seq);
            cursor = message.seq.get();
            known.insert(message.id, message);
        }
        assert_eq!(page.cursor.get(), cursor);
    }
    for writer in writers.drain(..) {
        writer.await.unwrap();
    }

    let stored = reader.page(room, "?limit=500").await;
    assert_eq!(known.values().collect::<Vec<_>>(), stored.messages.iter().collect::<Vec<_>>());
    assert_eq!(stored.cursor.get(), cursor);
    let said = (WRITERS * 10) as i64;
    assert_eq!(ids(&stored), (1..=said).collect::<Vec<_>>(), "ids are dense");
    let unique: HashSet<_> = stored.messages.iter().map(|message| message.seq).collect();
    assert_eq!(unique.len(), stored.messages.len(), "no seq was given twice");
    let deleted = stored.messages.iter().filter(|message| message.deleted).count();
    let edited = stored.messages.iter().filter(|message| message.edited_at.is_some()).count();
    assert!(deleted > 10 && edited > 10 && cursor > said + 40, "{deleted} {edited} {cursor}");
    assert!(stored.messages.iter().all(|message| message.deleted == message.text.is_empty()));
}
