//! A cache file that is spoilt: what is unsent is sent, once, and the rest comes back from the server.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{Engine, StaticToken, Token};
use chat_testkit::{FaultProxy, Phone, RecordingListener, ServerProcess, config, eventually};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

fn spoil(path: &Path, from: u64) {
    let length = std::fs::metadata(path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(length - from).unwrap()]).unwrap();
}

#[tokio::test]
async fn spoilt_between_two_runs_the_file_is_replaced_the_unsent_sent_and_the_room_refilled() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let id = server.room();
    for n in 1..=150 {
        server.say(id, "bob", &n.to_string());
    }
    let phone = Phone::open(proxy.url(), &server.token("alice"), id);
    phone.room.start();
    phone.room.send("arrived, but we never heard").unwrap();
    eventually("shown", || phone.listener.ids().last() == Some(&151)).await;
    proxy.hold_answers();
    phone.room.send("on its way").unwrap();
    eventually("the server has it", || server.messages(id).len() == 152).await;
    phone.room.send("not yet").unwrap();
    phone
        .room
        .edit(
            phone
                .listener
                .timeline()
                .items()
                .iter()
                .find(|i| i.id.map(|id| id.get()) == Some(151))
                .unwrap()
                .key,
            "edited",
        )
        .unwrap();
    phone.room.save_draft("half a thou").unwrap();
    let Phone { folder, room, engine, .. } = phone;
    let path = engine.cache_path().to_owned();
    drop((room, engine));
    spoil(&path, 0);
    proxy.go_down();
    let token = Arc::new(StaticToken(Token::new(server.token("alice"))));
    let engine = Engine::open(config(proxy.url(), folder.path()), token, None).unwrap();
    let listener = RecordingListener::new();
    let room = engine.room(id, listener.clone()).unwrap();
    eventually("what is unsent is shown", || listener.texts() == ["on its way", "not yet"]).await;
    assert_eq!(room.draft().unwrap(), "half a thou");
    proxy.come_back();
    room.start();
    let whole = || listener.ids().last() == Some(&153) && listener.ids().len() >= 100 && listener.is_whole();
    eventually("refilled, and each of them once", whole).await;
    eventually("and edited", || server.messages(id).iter().any(|m| m["text"] == "edited")).await;
    let said: Vec<_> = server.messages(id).iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(said.len(), 153);
    assert_eq!(said.iter().filter(|t| *t == "on its way" || *t == "not yet").count(), 2);
}

#[tokio::test]
async fn spoilt_while_it_is_open_the_room_goes_on_from_the_server() {
    let server = ServerProcess::start();
    let id = server.room();
    for n in 1..=3 {
        server.say(id, "bob", &n.to_string());
    }
    let phone = Phone::open(server.url(), &server.token("alice"), id);
    phone.room.start();
    eventually("shown", || phone.listener.ids() == [1, 2, 3]).await;
    // The log's content into the file, so that there is something to spoil; then all of it is noise.
    let path = phone.engine.cache_path().to_owned();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(other);
    spoil(&path, 0);
    // SQLite notices when it next reads from the file; a room not seen before makes it.
    for n in 4..=40 {
        server.say(id, "bob", &n.to_string());
        let _ = phone.room.send(&format!("mine {n}"));
    }
    let said = || server.messages(id).len();
    eventually("what was sent has arrived", || said() == 3 + 2 * 37).await;
    eventually("everything is shown", || phone.listener.ids() == (1..=77).collect::<Vec<_>>()).await;
    let aside = std::fs::read_dir(phone.folder.path()).unwrap().flatten();
    let aside = aside.filter(|entry| entry.file_name().to_string_lossy().contains("corrupt-")).count();
    assert_eq!(aside, 1, "the file that was spoilt is kept");
}
