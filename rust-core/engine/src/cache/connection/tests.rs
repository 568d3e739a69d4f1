use super::*;
use chat_protocol::{MessageText, RoomId, TransactionId, UserId};

#[test]
fn a_second_client_on_the_file_gets_a_clear_error_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = Cache::open(folder.path(), "a.sqlite3").unwrap();
    assert_eq!(Cache::open(folder.path(), "a.sqlite3").err(), Some(EngineError::CacheInUse));
    assert!(first.read(|c| Ok(c.execute_batch("SELECT 1")?)).is_ok());
    first.close();
    assert!(Cache::open(folder.path(), "a.sqlite3").is_ok());
}

#[test]
fn a_failed_change_leaves_nothing_and_announces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    let failed: Result<(), _> = cache.commit(
        |t| {
            t.execute("INSERT INTO room (id, cursor, floor) VALUES (1, 1, 1)", [])?;
            Err(EngineError::NotFound)
        },
        |()| panic!("announced"),
    );
    assert_eq!(failed, Err(EngineError::NotFound));
    let rooms: i64 = cache.read(|c| Ok(c.query_row("SELECT count(*) FROM room", [], |r| r.get(0))?)).unwrap();
    assert_eq!(rooms, 0);
}

fn say(cache: &Cache, text: &str) -> Result<(), EngineError> {
    let (me, room) = (UserId::new("alice").unwrap(), RoomId::new(1).unwrap());
    let (text, key) = (MessageText::new(text).unwrap(), TransactionId::new(text).unwrap());
    let add = |t: &Transaction<'_>| {
        crate::cache::add(t, room, &me, &text, &key, Timestamp::from_millis(0)).map(|_| ())
    };
    cache.commit(add, |()| ())
}

fn unsent(cache: &Cache) -> Vec<(String, String)> {
    cache
        .read(|c| {
            let mut rows = c.prepare("SELECT text, transaction_id FROM outbox ORDER BY local_key")?;
            let rows = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .unwrap()
}

fn spoil(path: &Path, at: u64, length: usize) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&vec![0xA5; length]).unwrap();
}

#[test]
fn whatever_part_of_the_file_is_spoilt_what_is_unsent_is_not_lost() {
    // The header, the schema, a table's page, the whole of it; an empty file and one cut off.
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 6] = [
        ("header", |p| spoil(p, 0, 100)),
        ("schema", |p| spoil(p, 100, 3_000)),
        ("tables", |p| spoil(p, 4096, 40_000)),
        ("everything", |p| spoil(p, 0, 60_000)),
        ("not a database", |p| std::fs::write(p, "hello, I am no database at all").unwrap()),
        ("cut off", |p| File::options().write(true).open(p).unwrap().set_len(5_000).unwrap()),
    ];
    for (damage, spoil) in damages {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
        say(&cache, "one").unwrap();
        say(&cache, "two").unwrap();
        cache.close();
        spoil(cache.path());
        let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
        let kept: Vec<(String, String)> = vec![("one".into(), "one".into()), ("two".into(), "two".into())];
        assert_eq!(unsent(&cache), kept, "{damage}");
        assert_eq!(corrupt_files(cache.path()).len(), 1, "{damage}: moved aside");
        say(&cache, "three").unwrap();
        assert_eq!(unsent(&cache).len(), 3);
    }
}

#[test]
fn a_file_that_is_spoilt_while_open_is_replaced_and_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "one").unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let counter = told.clone();
    cache.on_replaced(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    // Out of SQLite's own cache and log, into the file, and then away with it.
    cache.read(|c| Ok(c.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = 0")?)).unwrap();
    spoil(cache.path(), 0, 60_000);
    let found = (0..10).find_map(|_| say(&cache, "two").err());
    assert_eq!(found, Some(EngineError::CacheCorrupt));
    assert_eq!((told.load(Ordering::Relaxed), cache.file()), (1, 1));
    assert!(unsent(&cache).iter().any(|(text, _)| text == "one"));
    say(&cache, "three").unwrap();
}

#[test]
fn a_process_killed_while_a_spoilt_file_was_being_replaced_loses_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "one").unwrap();
    cache.close();
    // Moved aside, and then nothing; or a new file, and then nothing.
    for begun in [false, true] {
        spoil(cache.path(), 0, 60_000);
        move_aside(cache.path()).unwrap();
        if begun {
            migrations::run(&mut Connection::open(cache.path()).unwrap()).unwrap();
        }
        let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
        assert_eq!(unsent(&cache), [("one".to_owned(), "one".to_owned())], "{begun}");
        cache.close();
    }
}

#[test]
fn a_spoilt_file_that_cannot_be_replaced_yet_is_replaced_when_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "one").unwrap();
    cache.read(|c| Ok(c.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = 0")?)).unwrap();
    spoil(cache.path(), 0, 60_000);
    // A new file needs a log beside it, and cannot make one where a folder is.
    let log = beside(cache.path(), "-wal");
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    assert!((0..10).any(|_| say(&cache, "two").is_err()));
    assert!(matches!(say(&cache, "three"), Err(EngineError::Storage(_))));
    std::fs::remove_dir(&log).unwrap();
    say(&cache, "four").unwrap();
    assert!(unsent(&cache).iter().any(|(text, _)| text == "one"));
}

#[test]
fn a_key_on_screen_is_given_to_no_other_message_not_even_by_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "one").unwrap();
    cache.commit(|t| Ok(t.execute("DELETE FROM outbox WHERE text = 'one'", [])?), |_| ()).unwrap();
    cache.close();
    spoil(cache.path(), 0, 60_000);
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "two").unwrap();
    let key: i64 =
        cache.read(|c| Ok(c.query_row("SELECT local_key FROM outbox", [], |r| r.get(0))?)).unwrap();
    assert!(key > 1);
}

#[test]
fn a_full_disk_is_an_error_of_its_own_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "one").unwrap();
    let pages = |n: u32| {
        cache.read(|c| Ok(c.execute_batch(&format!("PRAGMA max_page_count = {n}"))?)).unwrap();
    };
    // SQLite answers as it does when the device has no room: for want of another page.
    pages(1);
    let long = "x".repeat(100);
    let full = (0..10_000).find_map(|n| say(&cache, &format!("{long}{n}")).err());
    assert_eq!(full, Some(EngineError::DiskFull));
    let stored = unsent(&cache).len();
    assert_eq!(say(&cache, &format!("{long}-again")).err(), Some(EngineError::DiskFull));
    assert_eq!(unsent(&cache).len(), stored, "nothing of it is stored, and all of before is there");
    pages(1_000_000);
    say(&cache, &format!("{long}-again")).unwrap();
    assert_eq!(unsent(&cache).len(), stored + 1);
}

#[test]
fn somebody_looking_at_the_file_for_a_moment_delays_a_write_and_fails_none() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    let (locked, go) = std::sync::mpsc::channel();
    let other = std::thread::spawn({
        let path = cache.path().to_owned();
        move || {
            let shell = Connection::open(path).unwrap();
            shell.execute_batch("BEGIN IMMEDIATE").unwrap();
            locked.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(200));
            shell.execute_batch("COMMIT").unwrap();
        }
    });
    go.recv().unwrap();
    say(&cache, "one").unwrap();
    other.join().unwrap();
    assert_eq!(unsent(&cache).len(), 1);
}

#[test]
fn wiped_nothing_is_left_of_what_people_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    say(&cache, "one").unwrap();
    cache.close();
    spoil(cache.path(), 0, 60_000);
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    cache.wipe().unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a.lock"]);
    assert_eq!(cache.read(|_| Ok(())), Err(EngineError::Closed));
    assert!(Cache::open(folder.path(), "a.sqlite3").is_ok());
}

#[test]
fn a_closed_cache_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a.sqlite3").unwrap();
    cache.close();
    cache.close();
    assert_eq!(cache.read(|_| Ok(())), Err(EngineError::Closed));
}
