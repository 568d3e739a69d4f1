//! Imports into a PostgreSQL whose answers are lost on the way.

use super::{Ended, Place, does, eventually, room_file};
use crate::common::binary;
use chat_testkit::FaultProxy;
use chat_testkit::services::{Held, Postgres};
use serde_json::Value;
use std::process::{Child, Stdio};

/// A database behind a network, whose commits wait while somebody holds the gate.
struct Gated {
    place: Place,
    network: FaultProxy,
    /// The database by way of the network.
    url: String,
}

impl Gated {
    /// Commits of new rows in `table` go through the gate.
    async fn new(table: &str) -> Self {
        let (postgres, place) = (Postgres::shared(), Place::postgres());
        place.change(&format!(
            "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION gate()"
        ));
        let network = FaultProxy::start(&format!("tcp://{}", postgres.address())).await;
        let address = network.url().split_once("://").unwrap().1.to_owned();
        let direct = place.database.to_str().unwrap();
        let url = direct
            .replace(&format!("localhost:{}", postgres.address().rsplit(':').next().unwrap()), &address);
        assert_ne!(url, direct);
        Self { place, network, url }
    }

    fn close(&self) -> Held {
        Postgres::shared().hold(self.place.database.to_str().unwrap(), "SELECT pg_advisory_xact_lock(42)")
    }

    /// An import that waits at the gate.
    fn import(&self) -> Child {
        let file = self.place.file(room_file(1_000, |_| ()));
        let import = binary()
            .args(["import", &file, "--database", &self.url])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        eventually("the import waits at the gate", || self.waits().then_some(()));
        import
    }

    fn waits(&self) -> bool {
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        Postgres::shared().sql(self.place.database.to_str().unwrap(), waits) == "1"
    }

    /// Opens the gate, and holds back what the import is told then.
    fn open(&self, gate: Held) {
        self.network.hold_answers();
        drop(gate);
        eventually("the answer is on its way", || (self.network.held() == 1).then_some(()));
    }
}

async fn ended(import: Child) -> Ended {
    tokio::task::spawn_blocking(|| Ended::from(import.wait_with_output().unwrap())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_taken_away_though_nobody_was_told_of_it() {
    let gated = Gated::new("rooms").await;
    let gate = gated.close();
    let import = gated.import();
    gated.open(gate);
    gated.network.cut();
    let ended = ended(import).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("nothing was imported"), "{ended:?}");
    assert_eq!(gated.place.rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_only_after_its_connection_broke_is_waited_for_and_taken_away() {
    let gated = Gated::new("rooms").await;
    let gate = gated.close();
    let import = gated.import();
    gated.network.cut();
    // The new connection waits for what the old one has under way.
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let database = gated.place.database.to_str().unwrap();
    eventually("both wait", || (Postgres::shared().sql(database, waits) == "2").then_some(()));
    drop(gate);
    let ended = ended(import).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("nothing was imported"), "{ended:?}");
    assert_eq!(gated.place.rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_became_whole_is_a_success_though_nobody_was_told_of_it() {
    let gated = Gated::new("members").await;
    let gate = gated.close();
    let import = gated.import();
    gated.open(gate);
    gated.network.cut();
    let ended = ended(import).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("room 1: 1,000 messages, 2 members"), "{ended:?}");
    let shown: Value = super::does_json(&gated.place.database, &["room", "show", "1", "--json"]);
    assert_eq!((&shown["messages"], &shown["members"]), (&1_000.into(), &2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_away_is_named_with_the_way_to_do_it() {
    let gated = Gated::new("rooms").await;
    let gate = gated.close();
    let import = gated.import();
    gated.open(gate);
    gated.network.go_down();
    let ended = ended(import).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(!ended.stderr.contains("nothing was imported"), "{ended:?}");
    assert!(ended.stderr.contains("what is left of it is room 1") && ended.stderr.contains("room discard 1"));
    assert_eq!(does(&gated.place.database, &["room", "discard", "1"]), "room 1 is gone\n");
    assert_eq!(gated.place.rows(), 0);
}
