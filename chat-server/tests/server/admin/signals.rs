//! Every command ends with 130 when a signal ends it, whatever it is waiting for.

use super::{Place, does, eventually, room_file, signal};
use crate::common::{DEADLINE, binary};
use rusqlite::Connection;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIGNALS: [(&str, u32); 2] = [("-INT", 2), ("-TERM", 15)];

/// A command under way, which hears this signal itself by now.
fn begin(place: &Place, args: &[&str], number: u32) -> Child {
    let mut command = binary();
    command.args(args).arg("--database").arg(&place.database);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it hears signals", || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        (u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << (number - 1) != 0).then_some(())
    });
    child
}

/// How it ends; `None` if it does not, or not by itself.
fn ended(mut child: Child) -> Option<i32> {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

#[test]
fn an_import_from_a_pipe_that_nobody_writes_to() {
    let place = Place::sqlite();
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (name, number) in SIGNALS {
        let import = begin(&place, &["import", &pipe], number);
        signal(&import, name);
        assert_eq!(ended(import), Some(130), "{name}");
    }
    assert_eq!(place.rows(), 0);
}

#[test]
fn an_export_into_a_pipe_that_nobody_reads() {
    let place = Place::sqlite();
    does(&place.database, &["import", &place.file(room_file(5_000, |_| ()))]);
    for (name, number) in SIGNALS {
        let export = begin(&place, &["export", "1"], number);
        signal(&export, name);
        assert_eq!(ended(export), Some(130), "{name}");
    }
}

#[test]
fn a_command_that_waits_for_a_lock() {
    let place = Place::sqlite();
    let other = Connection::open(&place.database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for (name, number) in SIGNALS {
        for args in [&["vacuum"][..], &["room", "create", "--title", "t"]] {
            let command = begin(&place, args, number);
            signal(&command, name);
            assert_eq!(ended(command), Some(130), "{args:?} {name}");
        }
    }
}

#[test]
fn a_backup_that_checks_its_copy() {
    let place = Place::sqlite();
    // A rule that takes a minute to check for all rows, and no time to copy.
    place.change(
        "PRAGMA ignore_check_constraints = ON;
         CREATE TABLE slow (n INTEGER CHECK (length(hex(zeroblob(20000000 + n))) > 0));
         WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 2000) INSERT INTO slow SELECT n FROM i;
         PRAGMA wal_checkpoint(TRUNCATE)",
    );
    for (name, number) in SIGNALS {
        let backup = begin(&place, &["backup", &place.path("copy.db")], number);
        let partial = place.path(&format!(".copy.db.{}.partial", backup.id()));
        let size = |path: &str| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let whole = size(place.database.to_str().unwrap());
        eventually("it is copied", || (size(&partial) == whole).then_some(()));
        signal(&backup, name);
        assert_eq!(ended(backup), Some(130), "{name}");
        assert!(!fs::exists(&partial).unwrap() && !fs::exists(place.path("copy.db")).unwrap());
    }
}
