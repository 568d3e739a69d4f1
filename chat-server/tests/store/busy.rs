//! Who waits, for how long, and who is turned away.

use crate::common::{Place, id, new, on_both, refused, user};

use chat_server::metrics::Metrics;
use chat_server::store::{Options, PageRequest};
use chat_testkit::services::Postgres;
use chat_testkit::{DEADLINE, eventually};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const NEWEST: PageRequest = PageRequest::Newest { limit: 1 };

fn counting(metrics: &Metrics) -> Options {
    Options { metrics: metrics.store.clone(), ..Options::default() }
}

on_both! {
    async fn a_write_that_finds_its_room_locked_is_turned_away_and_counted(place: Place) {
        let metrics = Metrics::new();
        let world = place.open_with(counting(&metrics)).await;
        let room = world.room(&[]).await;
        let _holder = place.lock(room);
        refused(world.store.send(new(room, "alice", "k", "hi")).await, "Busy");
        assert_eq!((metrics.store.busy_writes.get(), metrics.store.busy_reads.get()), (1, 0));
    }
}

#[tokio::test]
async fn while_the_database_is_away_all_that_is_turned_away_is_counted_and_no_connection_is() {
    let postgres = Postgres::start();
    let metrics = Metrics::new();
    let world = Place::at(postgres.database().parse().unwrap()).open_with(counting(&metrics)).await;
    let room = world.room(&[]).await;
    world.say(room, "alice", "k", "hi").await;
    assert_eq!(metrics.store.connections_idle.get(), 1);
    postgres.stop();
    // The connection hears of it, so that there is none to be given.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    refused(world.store.send(new(room, "alice", "l", "hi")).await, "Busy");
    refused(world.store.page(room, user("alice"), NEWEST).await, "Busy");
    refused(world.store.rooms_of(user("alice")).await, "Busy");
    refused(world.store.mark_read(room, user("alice"), id(1)).await, "Busy");
    assert_eq!((metrics.store.busy_writes.get(), metrics.store.busy_reads.get()), (2, 2));
    assert_eq!((metrics.store.connections_used.get(), metrics.store.connections_idle.get()), (0, 0));
}

/// Counting waits while somebody holds the gate.
const SLOW_COUNT: &str = "
    CREATE FUNCTION gate(n bigint) RETURNS bigint LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN n; END';
    CREATE FUNCTION one_more(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT n + 1';
    CREATE AGGREGATE public.count(*) (SFUNC = one_more, STYPE = bigint, INITCOND = '0', FINALFUNC = gate);";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_lists_of_rooms_are_counted_people_go_on_talking() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let name = url.rsplit('/').next().unwrap();
    let metrics = Metrics::new();
    postgres.sql(&url, &format!("{SLOW_COUNT} ALTER DATABASE {name} SET search_path = public, pg_catalog"));
    let world = Place::at(url.parse().unwrap()).open_with(counting(&metrics)).await;
    let room = world.room(&[]).await;
    let gate = postgres.hold(&url, "SELECT pg_advisory_xact_lock(42)");
    let mut lists = JoinSet::new();
    for _ in 0..64 {
        let store = world.store.clone();
        lists.spawn(async move { store.rooms_of(user("alice")).await });
    }
    let at_the_gate =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
                          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let at_the_gate = at_the_gate.replace("count", "pg_catalog.count");
    eventually("half of the connections are counting", || postgres.sql(&url, &at_the_gate) == "8").await;
    for n in 0..20 {
        world.say(room, "alice", &n.to_string(), "go on").await;
        assert!(world.page(room, "alice", NEWEST).await.is_some());
    }
    assert!(lists.try_join_next().is_none(), "people waited until somebody had counted");
    assert_eq!(metrics.store.waiting_reads.get(), 64 - 8);
    drop(gate);
    for list in lists.join_all().await {
        assert_eq!(list.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_for_one_answer_whatever_is_in_the_way() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let world = Place::at(url.parse().unwrap()).open().await;
    let room = world.room(&[]).await;
    // Less than a statement may take.
    postgres.sql(
        &url,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(9); RETURN NULL; END';
         CREATE TRIGGER slow AFTER INSERT ON messages EXECUTE FUNCTION slow()",
    );
    let send = |key: &'static str| {
        let store = world.store.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            (store.send(new(room, "alice", key, "hi")).await, begun.elapsed())
        })
    };
    let first = send("1");
    let waits = || {
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
                         AND datname = current_database()";
        postgres.sql(&url, asleep) == "1"
    };
    eventually("the first is under way", waits).await;
    let second = send("2");
    first.await.unwrap().0.unwrap();
    let (outcome, took) = tokio::time::timeout(DEADLINE, second).await.unwrap().unwrap();
    refused(outcome, "Busy");
    assert!(took < Duration::from_secs(17), "{took:?}");
}
