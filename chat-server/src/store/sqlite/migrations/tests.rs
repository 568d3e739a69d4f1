//! Files of older servers.

use super::super::{Sqlite, connection};
use super::{APPLICATION_ID, MIGRATIONS, NEWEST, run};
use crate::store::backend::Backend;
use crate::store::model::{NewMessage, PageRequest, digest};
use crate::store::{Options, StoreError};
use chat_protocol::{MessageText, RoomId, Seq, TransactionId, UserId};
use std::path::Path;
use std::sync::Arc;

/// A file as a server of that version left it: a room of alice's and bob's with three messages, the second edited
/// and the third deleted.
fn file_of_version(version: usize, path: &Path) {
    let connection = connection::open_writer(path).unwrap();
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", version as i64).unwrap();
    connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    connection
        .execute_batch(
            "INSERT INTO rooms (id, title, created_at, last_id, last_seq) VALUES (7, 'old', 1, 3, 5);
             INSERT INTO members VALUES (7, 'alice', 0), (7, 'bob', 1);",
        )
        .unwrap();
    let mut insert = connection
        .prepare("INSERT INTO messages VALUES (7, ?1, ?2, 'alice', ?3, 1000, ?4, ?5, ?6, ?7)")
        .unwrap();
    insert.execute((1, 1, "one", None::<i64>, false, "k1", digest("one"))).unwrap();
    insert.execute((2, 4, "two, edited", Some(2000), false, "k2", digest("two"))).unwrap();
    let of_what_is_gone = (version < 4).then(|| digest("three"));
    insert.execute((3, 5, "", None::<i64>, true, "k3", of_what_is_gone)).unwrap();
}

#[tokio::test]
async fn a_file_of_any_older_version_keeps_everything_and_its_keys() {
    for version in 1..MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        file_of_version(version, &path);
        let (store, threads) = Sqlite::open(&path, &Options::default(), Arc::new(|_: &[_]| {})).unwrap();
        let (room, alice) = (RoomId::new(7).unwrap(), UserId::new("alice").unwrap());
        let all = PageRequest::After { cursor: Seq::new(0).unwrap(), limit: 10 };
        let page = store.page(room, alice.clone(), all).await.unwrap().unwrap();
        let seen: Vec<_> = page
            .messages
            .iter()
            .map(|message| (message.id.get(), message.seq.get(), message.text.as_str(), message.deleted))
            .collect();
        assert_eq!(seen, [(1, 1, "one", false), (2, 4, "two, edited", false), (3, 5, "", true)]);
        assert_eq!(page.messages[1].edited_at.unwrap().as_millis(), 2_000);
        let again = |key: &str, text: &str| {
            store.send(NewMessage {
                room,
                sender: alice.clone(),
                transaction_id: TransactionId::new(key).unwrap(),
                text: MessageText::new(text).unwrap(),
            })
        };
        // Replays of what the older server has taken.
        assert_eq!(again("k2", "two").await.unwrap(), page.messages[1]);
        assert!(matches!(again("k2", "other").await, Err(StoreError::IdempotencyKeyReused)));
        assert_eq!(again("k3", "other").await.unwrap(), page.messages[2], "what was deleted nobody knows");
        assert_eq!(again("k4", "four").await.unwrap().id.get(), 4);
        let bob = store.rooms_of(UserId::new("bob").unwrap()).await.unwrap();
        assert_eq!(
            (bob[0].unread, bob[0].read_marker.unwrap().get()),
            (2, 1),
            "the edited one and the new one"
        );
        drop(store);
        threads.join();
    }
}

#[test]
fn a_step_that_fails_leaves_the_version_before_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    file_of_version(2, &path);
    let mut connection = connection::open_writer(&path).unwrap();
    // In the way of the third.
    connection.execute_batch("CREATE TABLE messages_anew (n)").unwrap();
    assert!(run(&mut connection).is_err());
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    connection.execute_batch("DROP TABLE messages_anew").unwrap();
    run(&mut connection).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, NEWEST);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone_and_one_that_is_there_stays_as_it_is() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let mut connection = connection::open_writer(&path).unwrap();
    run(&mut connection).unwrap();
    assert_eq!((mode("chat.db"), mode("chat.db-wal"), mode("chat.db-shm")), (0o600, 0o600, 0o600));
    drop(connection);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let connection = connection::open_writer(&path).unwrap();
    connection.execute_batch("CREATE TABLE t (n)").unwrap();
    assert_eq!((mode("chat.db"), mode("chat.db-wal")), (0o640, 0o640));
}
