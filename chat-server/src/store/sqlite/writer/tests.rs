//! Group commit: together on the way to the disk, each alone in its fate.

use super::super::connection;
use super::Writer;
use crate::store::{Options, StoreError};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tempfile::TempDir;

fn start() -> (TempDir, Writer, JoinHandle<()>) {
    let folder = tempfile::tempdir().unwrap();
    let connection = connection::open_writer(&folder.path().join("t.db")).unwrap();
    connection
        .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, parent INTEGER REFERENCES t (n))")
        .unwrap();
    let options = Options { writer_queue: 16, ..Options::default() };
    let (writer, thread) = Writer::start(connection, &options, Arc::new(|_: &[_]| {})).unwrap();
    (folder, writer, thread)
}

fn stored(folder: &Path) -> Vec<i64> {
    let connection = Connection::open(folder.join("t.db")).unwrap();
    let mut statement = connection.prepare("SELECT n FROM t ORDER BY n").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn insert(tx: &Connection, n: i64) -> Result<i64, StoreError> {
    tx.execute("INSERT INTO t (n) VALUES (?1)", [n])?;
    Ok(n)
}

type Change = Box<dyn FnOnce(&Connection) -> Result<i64, StoreError> + Send>;

/// Runs `changes` in one transaction: they gather while a first one is held up.
async fn together(writer: &Writer, changes: Vec<Change>) -> Vec<Result<i64, StoreError>> {
    let (started, running) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let first = tokio::spawn({
        let writer = writer.clone();
        async move {
            let change = move |_: &Connection| {
                started.send(()).unwrap();
                held.recv().unwrap();
                Ok(0)
            };
            writer.write(change).await
        }
    });
    tokio::task::spawn_blocking(move || running.recv().unwrap()).await.unwrap();
    let mut answers = Vec::new();
    for change in changes {
        let writer = writer.clone();
        answers.push(tokio::spawn(async move { writer.write(change).await }));
        tokio::task::yield_now().await; // one thread: by now it has queued
    }
    release.send(()).unwrap();
    first.await.unwrap().unwrap();
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await.unwrap());
    }
    results
}

#[tokio::test]
async fn a_change_that_fails_or_panics_undoes_itself_and_nothing_else() {
    let (folder, writer, thread) = start();
    let results = together(
        &writer,
        vec![
            Box::new(|tx| insert(tx, 1)),
            Box::new(|tx| insert(tx, 2).and(Err(StoreError::NotAMember))),
            Box::new(|tx| insert(tx, 3).map(|_| panic!("on purpose"))),
            Box::new(|tx| insert(tx, 1)), // there is a 1 already
            Box::new(|tx| insert(tx, 4)),
        ],
    )
    .await;
    assert!(
        matches!(results[..], [Ok(1), Err(StoreError::NotAMember), Err(_), Err(_), Ok(4)]),
        "{results:?}"
    );
    assert_eq!(stored(folder.path()), [1, 4]);
    writer.check_alive().unwrap();
    assert_eq!(writer.write(|tx| insert(tx, 5)).await.unwrap(), 5);
    drop(writer);
    thread.join().unwrap();
}

#[tokio::test]
async fn when_the_commit_fails_nobody_is_told_of_success() {
    let (folder, writer, thread) = start();
    let results = together(
        &writer,
        vec![
            Box::new(|tx| insert(tx, 1)),
            Box::new(|tx| {
                // Breaks a rule that is looked at only when the transaction commits.
                tx.execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO t VALUES (2, 99)")?;
                Ok(2)
            }),
        ],
    )
    .await;
    assert!(results.iter().all(Result::is_err), "{results:?}");
    assert!(stored(folder.path()).is_empty());
    assert_eq!(writer.write(|tx| insert(tx, 3)).await.unwrap(), 3, "the next transaction is a new one");
    drop(writer);
    thread.join().unwrap();
}

#[tokio::test]
async fn changes_that_wait_share_one_transaction() {
    let (folder, writer, thread) = start();
    // Within one transaction, and only there, the second can take back what the first left pending.
    let results = together(
        &writer,
        vec![
            Box::new(|tx| {
                tx.execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO t VALUES (2, 99)")?;
                Ok(2)
            }),
            Box::new(|tx| {
                tx.execute("UPDATE t SET parent = NULL WHERE n = 2", [])?;
                Ok(2)
            }),
        ],
    )
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(stored(folder.path()), [2]);
    drop(writer);
    thread.join().unwrap();
}

#[test]
fn every_commit_reaches_the_disk_before_it_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connection::open_writer(&folder.path().join("t.db")).unwrap();
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(pragma("synchronous"), 2, "FULL");
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
