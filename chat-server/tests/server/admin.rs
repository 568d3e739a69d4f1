//! The commands of whoever runs the server, as processes beside a running one.

mod answers;
mod backup;
mod files;
mod imports;
mod postgres;
mod rooms;
mod signals;

use crate::common::{DEADLINE, binary};
use chat_testkit::services::Postgres;
use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Declares tests that run on both kinds of database, as `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($place:ident: Place) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run($place: Place) $body

            $(#[$attribute])*
            #[tokio::test]
            async fn sqlite() {
                run(Place::sqlite()).await;
            }

            $(#[$attribute])*
            #[tokio::test]
            async fn postgres() {
                run(Place::postgres()).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// A database, and a folder for files.
pub(crate) struct Place {
    /// A path or a URL.
    pub(crate) database: PathBuf,
    folder: TempDir,
}

impl Place {
    /// Up to date and empty.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::new(folder.path().join("chat.db"), folder)
    }

    pub(crate) fn postgres() -> Self {
        Self::new(Postgres::shared().database().into(), tempfile::tempdir().unwrap())
    }

    fn new(database: PathBuf, folder: TempDir) -> Self {
        does(&database, &["migrate"]);
        Self { database, folder }
    }

    /// Where a file may be.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A room's file.
    pub(crate) fn file(&self, text: impl AsRef<[u8]>) -> String {
        let path = self.path("room.jsonl");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// How many rooms and messages there are, whatever rooms own up to.
    pub(crate) fn rows(&self) -> i64 {
        let sql = "SELECT (SELECT count(*) FROM rooms) + (SELECT count(*) FROM messages)";
        match self.database.to_str().unwrap() {
            url if url.starts_with("postgres:") => Postgres::shared().sql(url, sql).parse().unwrap(),
            path => Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap(),
        }
    }

    /// Changes the database behind everybody's back.
    pub(crate) fn change(&self, sql: &str) {
        match self.database.to_str().unwrap() {
            url if url.starts_with("postgres:") => drop(Postgres::shared().sql(url, sql)),
            path => Connection::open(path).unwrap().execute_batch(sql).unwrap(),
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs a command on a database.
pub(crate) fn admin(database: &Path, args: &[&str]) -> Ended {
    binary().args(args).arg("--database").arg(database).output().unwrap().into()
}

/// The same, and what it printed, as it went well.
#[track_caller]
pub(crate) fn does(database: &Path, args: &[&str]) -> String {
    let ended = admin(database, args);
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    ended.stdout
}

#[track_caller]
pub(crate) fn does_json(database: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&does(database, args)).unwrap()
}

/// The reason why a command did nothing.
#[track_caller]
pub(crate) fn refuses(database: &Path, args: &[&str]) -> String {
    let ended = admin(database, args);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{args:?}: {ended:?}");
    ended.stderr
}

pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Asks again until it is so.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The line of a message in a room's file.
pub(crate) fn line(id: usize, seq: usize, key: &str, text: &str) -> String {
    format!(
        "{{\"id\":{id},\"seq\":{seq},\"sender\":\"bob\",\"text\":\"{text}\",\"sent_at\":\"2026-01-02T03:04:05.678Z\",\
         \"edited_at\":null,\"deleted\":false,\"transaction_id\":\"{key}\"}}\n"
    )
}

/// The first line of a room's file that alice and bob are in.
pub(crate) fn header(messages: usize) -> String {
    format!(
        "{{\"format\":\"chat-core-room\",\"version\":1,\"title\":\"Moved\",\"created_at\":\"2026-01-02T03:04:05.678Z\",\
         \"messages\":{messages},\"last_seq\":{messages},\"members\":[{{\"user\":\"alice\",\"read_marker\":0}},\
         {{\"user\":\"bob\",\"read_marker\":{messages}}}]}}\n"
    )
}

/// A file's last line.
pub(crate) fn trailer(messages: usize, rest: &str) -> String {
    let mut sha256 = String::new();
    for byte in Sha256::digest(rest) {
        write!(sha256, "{byte:02x}").unwrap();
    }
    format!("{{\"end\":{{\"messages\":{messages},\"sha256\":\"{sha256}\"}}}}\n")
}

/// A file of so many messages, by which `change` may do its worst before the last line is made.
pub(crate) fn room_file(messages: usize, change: impl Fn(&mut String)) -> String {
    let mut file = header(messages);
    for id in 1..=messages {
        let key = format!("{:032x}", (id as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        file.push_str(&line(
            id,
            id,
            &key,
            &format!("점심 먹자 {id} at the usual place, somewhere around noon?"),
        ));
    }
    change(&mut file);
    let end = trailer(messages, &file);
    file + &end
}
