//! Rooms and who is in them.

use super::{Place, admin, does, does_json, on_both, refuses};
use crate::common::{SECRET, Server, binary, key};
use crate::sse::Events;
use chat_protocol::{ErrorCode, RoomId};
use rusqlite::Connection;
use serde_json::json;

on_both! {
async fn a_room_made_beside_a_running_server_is_there_for_the_next_request(place: Place) {
    let server = Server::start_on(&place.database, &[]);
    let said =
        does(&place.database, &["room", "create", "--title", " Lunch ", "--member", "alice", "--member", "bob"]);
    assert_eq!(said, "made room 1 for alice, bob\n");
    let room = RoomId::new(1).unwrap();

    let alice = server.user("alice");
    assert_eq!(alice.rooms().await.rooms[0].title, "Lunch");
    alice.say(room, "hello").await;

    let carol = server.user("carol");
    carol.ask(room, "").await.is(ErrorCode::NotAMember);
    assert_eq!(does(&place.database, &["member", "add", "1", "carol", "bob"]), "came in: carol\nin already: bob\n");
    assert_eq!(carol.page(room, "").await.messages[0].text, "hello");
    let summary = &carol.rooms().await.rooms[0];
    assert_eq!(summary.unread, 0, "what was said before is history");

    assert_eq!(
        does(&place.database, &["member", "remove", "1", "carol", "dave"]),
        "taken out: carol\nnot in: dave\n"
    );
    carol.say_as(room, &key(), "still here?").await.is(ErrorCode::NotAMember);

    let shown = does_json(&place.database, &["room", "show", "1", "--json"]);
    assert_eq!(
        shown["in_it"],
        json!([{"user": "alice", "read_marker": 0}, {"user": "bob", "read_marker": 0}])
    );
    assert_eq!((&shown["messages"], &shown["last_seq"]), (&json!(1), &json!(1)));
    assert!(does(&place.database, &["room", "show", "1"]).contains("1 messages, 1 changes\n2 members\n  alice"));
    let listed = does(&place.database, &["room", "list"]);
    assert!(listed.lines().nth(1).unwrap().ends_with("Lunch"), "{listed}");
    assert_eq!(does_json(&place.database, &["room", "list", "--json"])[0]["members"], 2);
}

async fn a_stream_that_was_open_before_hears_of_what_a_command_did(place: Place) {
    let server = Server::start_on(&place.database, &["--resync-interval", "1s"]);
    does(&place.database, &["room", "create", "--title", "Lunch", "--member", "alice", "--member", "bob"]);
    let room = RoomId::new(1).unwrap();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let mut streams = [Events::open(&alice, room, 0).await, Events::open(&bob, room, 0).await];
    does(&place.database, &["member", "remove", "1", "bob"]);
    assert_eq!(streams[1].end().await.code, ErrorCode::NotAMember);
    alice.say(room, "bob has left").await;
    assert_eq!(streams[0].message().await.text, "bob has left");
}
}

#[test]
fn a_database_is_neither_made_nor_brought_up_to_date_by_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    for args in [&["room", "list"][..], &["vacuum"], &["backup", "copy.db"], &["export", "1"]] {
        let said = refuses(&database, args);
        assert!(said.contains("there is no database at") && said.contains("chat-server migrate"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    assert!(does(&database, &["migrate"]).contains("a new database"));
    assert!(does(&database, &["migrate"]).contains("as it should be"));
    assert_eq!(does(&database, &["room", "list"]), "no rooms\n");

    let connection = Connection::open(&database).unwrap();
    let newest: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    for (version, words) in [(newest + 1, "newer server"), (newest - 1, "run `chat-server migrate`")] {
        connection.pragma_update(None, "user_version", version).unwrap();
        let said = refuses(&database, &["room", "list"]);
        assert!(said.contains(&format!("version {version}")) && said.contains(words), "{said}");
    }

    let foreign = folder.path().join("photos.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE photos (id)").unwrap();
    assert!(refuses(&foreign, &["room", "list"]).contains("another program"));
    assert!(refuses(&foreign, &["migrate"]).contains("another program"));
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    does(&database, &["migrate"]);
    assert!(
        refuses(&database, &["room", "show", "7"]).contains("no room 7; `chat-server room list` lists them")
    );
    assert!(refuses(&database, &["member", "add", "7", "alice"]).contains("no room 7"));
    assert!(refuses(&database, &["member", "remove", "7", "alice"]).contains("no room 7"));
    assert!(refuses(&database, &["export", "7"]).contains("no room 7"));
    assert!(refuses(&database, &["room", "create", "--title", " "]).contains("the title is blank"));
    does(&database, &["room", "create", "--title", "Lunch", "--member", "alice"]);
    assert!(
        refuses(&database, &["room", "discard", "1"]).contains("nothing is discarded that somebody may see")
    );
    for args in [&["member", "add", "1", "al ice"][..], &["member", "add", "1"], &["room", "show", "zero"]] {
        assert_eq!(admin(&database, args).code, Some(2), "{args:?}");
    }
}

#[test]
fn the_database_may_be_named_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    for (args, said) in [(&["migrate"][..], "a new database"), (&["room", "list"], "no rooms")] {
        let output = binary().args(args).env("CHAT_DATABASE", &database).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains(said), "{args:?}");
    }
}

#[tokio::test]
async fn a_minted_token_says_what_the_server_wants_to_hear() {
    let rules = ["--jwt-issuer", "us,them", "--jwt-audience", "chat", "--jwt-user-claim", "name"];
    let server = Server::start_with(&rules);
    for (rules, status) in [(&rules[..], 200), (&[], 401)] {
        let args = ["token", "--user", "alice", "--jwt-secret", SECRET];
        let output = binary().args(args).args(rules).output().unwrap();
        let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        assert_eq!(server.with_token(Some(token)).get("/v1/rooms").await.status, status);
    }
}
