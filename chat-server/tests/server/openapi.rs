//! The OpenAPI document: that it is kept, that it is served, and that it says what is so.

use crate::common::{Server, send};
use crate::process::run;
use chat_protocol::{ErrorCode, MessageText, RoomId, Seq, TransactionId, UserId};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

fn document() -> Value {
    serde_json::from_str(&chat_server::openapi::json()).unwrap()
}

/// Of the repository.
fn file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Checks values against the schema of that name.
fn schema(name: &str) -> Validator {
    let schema =
        json!({ "$ref": format!("#/components/schemas/{name}"), "components": document()["components"] });
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn the_document_that_is_kept_is_the_one_that_is_served() {
    assert!(
        file("docs/openapi.json") == chat_server::openapi::json(),
        "docs/openapi.json is not what the code says; if the code is right, renew it:\n    \
         cargo run -p chat-server -- openapi > docs/openapi.json"
    );
    let (code, stdout, stderr) = run(&["openapi"]);
    assert_eq!((code, stdout, stderr.as_str()), (Some(0), chat_server::openapi::json(), ""));
}

#[tokio::test]
async fn it_is_served_to_anybody_once() {
    let server = Server::start_with(&["--no-web"]);
    let anybody = server.with_token(None);
    let answer = anybody.get("/openapi.json").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json::<Value>(), document());
    let again = anybody.request(Method::GET, "/openapi.json").header("If-None-Match", answer.header("etag"));
    let again = send(again).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!(again.header("cache-control"), "no-cache");
}

#[test]
fn the_wire_as_it_is_pinned_is_what_the_schemas_say() {
    for (name, golden) in [
        ("Message", "message"),
        ("Message", "message_own"),
        ("Message", "message_edited"),
        ("Message", "message_deleted"),
        ("Page", "page"),
        ("Page", "page_empty"),
        ("SendMessage", "send_message"),
        ("EditMessage", "edit_message"),
        ("MarkRead", "mark_read"),
        ("ReadMarker", "read_marker"),
        ("CreateRoom", "create_room"),
        ("Room", "room"),
        ("Rooms", "rooms"),
        ("Problem", "problem"),
        ("ServerFrame", "frame_changes"),
        ("ServerFrame", "frame_changes_none"),
        ("ServerFrame", "frame_sent"),
        ("ServerFrame", "frame_refused"),
        ("ClientFrame", "frame_send"),
    ] {
        let json = serde_json::from_str(&file(&format!("rust-core/protocol/golden/{golden}.json"))).unwrap();
        schema(name).validate(&json).unwrap_or_else(|error| panic!("{golden}: {error}"));
        // And not because the schema takes anything.
        let mut less: Value = json;
        let first = less.as_object().unwrap().keys().find(|key| *key != "type").unwrap().clone();
        less.as_object_mut().unwrap().remove(&first);
        assert!(!schema(name).is_valid(&less) || name == "CreateRoom", "{golden} without {first}");
    }
    let goldens =
        std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../rust-core/protocol/golden"));
    assert_eq!(goldens.unwrap().count(), 19, "each golden file is looked at");
}

#[test]
fn what_a_client_sends_has_no_surplus() {
    for (name, golden) in [
        ("SendMessage", "send_message"),
        ("EditMessage", "edit_message"),
        ("MarkRead", "mark_read"),
        ("CreateRoom", "create_room"),
        ("ClientFrame", "frame_send"),
    ] {
        let mut json: Value =
            serde_json::from_str(&file(&format!("rust-core/protocol/golden/{golden}.json"))).unwrap();
        json["to"] = "bob".into();
        assert!(!schema(name).is_valid(&json), "{golden}");
    }
}

#[test]
fn a_schema_takes_what_its_type_takes() {
    let strings = [
        "",
        " ",
        "\u{3000}",
        "\n",
        "a",
        "a b",
        " a ",
        "a\n",
        "a/b",
        "a\0b",
        "\0",
        "\u{85}",
        "\u{feff}",
        "민수",
        "안녕 👋",
        "a\u{7f}",
        "a\u{1680}",
        "키",
        "~!",
        "😀",
    ];
    let long = |times: usize| "a".repeat(times);
    let strings = strings.map(String::from).into_iter().chain([128, 129, 200, 201, 4_000, 4_001].map(long));
    let (user, key, text) = (schema("UserId"), schema("TransactionId"), schema("MessageText"));
    for string in strings {
        let json = Value::from(string.as_str());
        assert_eq!(user.is_valid(&json), UserId::new(string.as_str()).is_ok(), "user {string:?}");
        assert_eq!(key.is_valid(&json), TransactionId::new(string.as_str()).is_ok(), "key {string:?}");
        assert_eq!(text.is_valid(&json), MessageText::new(&string).is_ok(), "text {string:?}");
    }
    let (room, seq) = (schema("RoomId"), schema("Seq"));
    for number in [i64::MIN, -1, 0, 1, 2, i64::MAX] {
        assert_eq!(room.is_valid(&number.into()), RoomId::new(number).is_ok(), "room {number}");
        assert_eq!(seq.is_valid(&number.into()), Seq::new(number).is_ok(), "seq {number}");
    }
    assert!(!room.is_valid(&json!(9_223_372_036_854_775_808_u64)));
}

#[tokio::test]
async fn a_title_is_taken_where_its_schema_takes_it() {
    let server = Server::start();
    let alice = server.user("alice");
    let schema = schema("CreateRoom");
    for title in ["", " ", "a", " a ", "\na\n", "a\nb", "a\u{0}", "\u{85}a", "점심", "a b", "\u{7f}"] {
        let body = json!({ "title": title });
        let taken = alice.post("/v1/rooms", body.clone()).await.status == 201;
        assert_eq!(taken, schema.is_valid(&body), "{title:?}");
    }
    assert!(!schema.is_valid(&json!({ "title": "a", "members": vec!["u"; 1_001] })));
}

#[test]
fn every_operation_says_what_can_go_wrong_and_how_to_get_in() {
    let document = document();
    let mut codes = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{place}");
            assert!(operation["tags"][0].is_string(), "{place}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let problem = &answer["content"]["application/problem+json"]["schema"];
                // Not being ready is an answer, and the same body as being so.
                let says_so_itself = place == "get /readyz";
                assert_eq!(
                    status.as_str() >= "400" && !says_so_itself,
                    problem.is_object(),
                    "{place} {status}"
                );
                for code in problem["allOf"][1]["properties"]["code"]["enum"].as_array().into_iter().flatten()
                {
                    codes.insert(code.as_str().unwrap().to_owned());
                }
            }
            let open = operation["security"] == json!([{}]);
            assert_eq!(open, operation["responses"].get("401").is_none(), "{place}");
        }
    }
    // Told elsewhere: of addresses that are no operation's, at the end of a stream, and of rooms that no
    // server of this version takes away.
    let elsewhere = [ErrorCode::MethodNotAllowed, ErrorCode::SlowReader, ErrorCode::RoomGone];
    for code in ErrorCode::ALL {
        assert_eq!(codes.contains(code.as_str()), !elsewhere.contains(code), "{code:?}");
    }
}

#[tokio::test]
async fn the_documentation_is_a_page_of_this_servers_files_alone() {
    let server = Server::start();
    let anybody = server.with_token(None);
    let page = anybody.get("/docs/").await;
    assert_eq!(page.status, 200);
    let html = String::from_utf8(page.body.clone()).unwrap();
    for outside in ["http://", "https://", "//cdn"] {
        assert!(!html.contains(outside), "{html}");
    }
    for file in html.split(['"', '\'']).filter_map(|name| name.strip_prefix("./")) {
        let answer = anybody.get(&format!("/docs/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{file}");
    }
    anybody.get("/docs/other.js").await.is(ErrorCode::NotFound);
    let without = Server::start_with(&["--no-web"]);
    for path in ["/docs", "/docs/", "/docs/index.html"] {
        without.with_token(None).get(path).await.is(ErrorCode::NotFound);
    }
}
