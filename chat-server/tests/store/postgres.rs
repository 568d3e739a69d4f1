//! What PostgreSQL alone can do to a server: go away, come back, be somebody else's, and want to be spoken to in
//! private.

use crate::common::{Place, World, new, refused, user};
use chat_protocol::{Message, RoomId};
use chat_server::store::{Database, OpenError, Options, PageRequest, Store, StoreError};
use chat_testkit::DEADLINE;
use chat_testkit::services::Postgres;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

fn at(url: &str) -> Database {
    url.parse().unwrap()
}

async fn open(database: Database) -> Result<Store, OpenError> {
    Store::open(database, Options::default(), |_| {}).await.map(|(store, _)| store)
}

/// Why a database cannot be opened; never with its password.
async fn refusal(postgres: &Postgres, url: &str) -> String {
    let why = open(at(url)).await.err().expect("it was opened");
    let words = format!("{why} {why:?}");
    assert!(!words.contains(postgres.password()) && !words.contains("hunter2"), "{words}");
    why.to_string()
}

/// Says things until told to stop, each until it is confirmed, with the same key.
async fn chatter(store: Store, room: RoomId, n: usize, stop: Arc<AtomicBool>) -> (Vec<Message>, usize) {
    let (mut said, mut busy) = (Vec::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        let message = new(room, "alice", &format!("{n}-{}", said.len()), &format!("{} of {n}", said.len()));
        let begun = Instant::now();
        loop {
            match store.send(message.clone()).await {
                Ok(message) => break said.push(message),
                Err(StoreError::Busy(_)) => busy += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(begun.elapsed() < DEADLINE, "it never came back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    (said, busy)
}

async fn until_it_answers(world: &World, yes: bool) {
    let begun = Instant::now();
    loop {
        match world.store.ping().await {
            Ok(()) if yes => return,
            Err(StoreError::Busy(_)) if !yes => return,
            Ok(()) | Err(StoreError::Busy(_)) => assert!(begun.elapsed() < DEADLINE),
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_stop_or_crash_and_come_back_and_nothing_confirmed_is_lost_or_said_twice() {
    let postgres = Postgres::start();
    let place = Place::at(at(&postgres.database()));
    let world = place.open().await;
    let rooms = [world.room(&[]).await, world.room(&[]).await];
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for n in 0..8 {
        writers.spawn(chatter(world.store.clone(), rooms[n % 2], n, Arc::clone(&stop)));
    }
    for crash in [true, false] {
        until_it_answers(&world, true).await;
        match crash {
            true => postgres.kill(),
            false => postgres.stop(),
        }
        until_it_answers(&world, false).await;
        let newest = PageRequest::Newest { limit: 1 };
        refused(world.store.page(rooms[0], user("alice"), newest).await, "Busy");
        postgres.restart();
    }
    until_it_answers(&world, true).await;
    // Each says something more, so all have found the way back.
    let before = world.page(rooms[0], "alice", PageRequest::Newest { limit: 1 }).await.unwrap().cursor.get();
    let begun = Instant::now();
    while world.page(rooms[0], "alice", PageRequest::Newest { limit: 1 }).await.unwrap().cursor.get()
        < before + 20
    {
        assert!(begun.elapsed() < DEADLINE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let (mut confirmed, mut busy) = (Vec::new(), 0);
    for (said, turned_away) in writers.join_all().await {
        confirmed.extend(said);
        busy += turned_away;
    }
    assert!(busy > 0, "nobody noticed");
    let mut kept = Vec::new();
    for room in rooms {
        let (mut cursor, mut all) = (0, Vec::new());
        while let Some(page) = world.after(room, "alice", cursor).await {
            cursor = page.cursor.get();
            all.extend(page.messages);
        }
        assert!(all.iter().map(|message| message.id.get()).eq(1..=all.len() as i64), "ids are dense");
        kept.extend(all);
    }
    assert_eq!(kept.len(), confirmed.len(), "each once: all that was tried was confirmed in the end");
    for message in &confirmed {
        assert!(kept.contains(message), "{message:?} is lost");
    }
}

/// An address whose network drops what is sent to it without a word: nobody accepts, and the queue is full.
async fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let (address, mut queue) = (listener.local_addr().unwrap(), Vec::new());
    while let Ok(taken) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        queue.push(taken.unwrap());
    }
    (address, listener, queue)
}

#[tokio::test]
async fn a_host_that_is_silent_leaves_time_for_the_next() {
    let url = Postgres::shared().database();
    let (address, _listener, _queue) = black_hole().await;
    let place = Place::at(at(&url.replace('@', &format!("@{address},"))));
    let world = timeout(DEADLINE, place.open()).await.unwrap();
    let room = world.room(&[]).await;
    world.say(room, "alice", "k", "hi").await;
}

#[tokio::test]
async fn a_server_that_takes_a_connection_and_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://chat:hunter2@{}/chat", silent.local_addr().unwrap());
    let why = timeout(DEADLINE, refusal(Postgres::shared(), &url)).await.expect("it waits on and on");
    assert!(why.contains("no answer in time"), "{why}");
}

#[tokio::test]
async fn a_room_that_somebody_holds_locked_is_busy_for_a_while_and_no_other_room_is() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let world = Place::at(at(&url)).open().await;
    let (locked, free) = (world.room(&[]).await, world.room(&[]).await);
    let holder = postgres.hold(&url, &format!("SELECT 1 FROM rooms WHERE id = {locked} FOR UPDATE"));
    let store = world.store.clone();
    let waits = tokio::spawn(async move { store.send(new(locked, "alice", "k", "hi")).await });
    world.say(free, "alice", "k", "hi").await;
    refused(tokio::time::timeout(DEADLINE, waits).await.unwrap().unwrap(), "Busy");
    drop(holder);
    let begun = Instant::now();
    while let Err(error) = world.store.send(new(locked, "alice", "k", "hi")).await {
        assert!(matches!(error, StoreError::Busy(_)) && begun.elapsed() < DEADLINE, "{error}");
    }
    assert_eq!(world.after(locked, "alice", 0).await.unwrap().messages.len(), 1);
}

#[tokio::test]
async fn when_too_many_writes_wait_the_next_is_turned_away() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let options = Options { writer_queue: 3, ..Options::default() };
    let world = Place::at(at(&url)).open_with(options).await;
    let room = world.room(&[]).await;
    let holder = postgres.hold(&url, &format!("SELECT 1 FROM rooms WHERE id = {room} FOR UPDATE"));
    let mut sends = JoinSet::new();
    for n in 0..20 {
        let store = world.store.clone();
        sends.spawn(async move { store.send(new(room, "alice", &n.to_string(), "hi")).await });
    }
    let first = sends.join_next().await.unwrap().unwrap();
    assert!(matches!(&first, Err(StoreError::Busy(why)) if why.contains("writes are waiting")), "{first:?}");
    drop(holder);
    let kept = sends.join_all().await.into_iter().filter(Result::is_ok).count();
    assert!(kept >= 3, "{kept}");
    assert_eq!(world.after(room, "alice", 0).await.unwrap().messages.len(), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_nodes_that_start_at_once_make_one_schema() {
    let url = Postgres::shared().database();
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        nodes.spawn(open(at(&url)));
    }
    let nodes: Vec<Store> = nodes.join_all().await.into_iter().map(Result::unwrap).collect();
    for node in &nodes {
        node.ping().await.unwrap();
    }
    assert_eq!(Postgres::shared().sql(&url, "SELECT count(*) FROM chat_schema"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn neither_a_schema_with_an_odd_name_nor_another_isolation_by_default_is_in_the_way() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let name = url.rsplit('/').next().unwrap();
    postgres.sql(
        &url,
        &format!(
            "CREATE SCHEMA \"Chat Rooms\"; ALTER DATABASE {name} SET search_path = 'Chat Rooms';
             ALTER DATABASE {name} SET default_transaction_isolation = 'serializable';"
        ),
    );
    let mut nodes = JoinSet::new();
    for _ in 0..4 {
        nodes.spawn(open(at(&url)));
    }
    nodes.join_all().await.into_iter().for_each(|node| drop(node.unwrap()));
    let world = Place::at(at(&url)).open().await;
    let room = world.room(&[]).await;
    world.say(room, "alice", "k", "hi").await;
    let kept = postgres.sql(&url, "SELECT schemaname FROM pg_tables WHERE tablename = 'messages'");
    assert_eq!(kept, "Chat Rooms");
}

#[tokio::test]
async fn a_database_that_is_not_ours_or_of_a_newer_server_is_refused_and_left_alone() {
    let postgres = Postgres::shared();
    let foreign = postgres.database();
    postgres.sql(&foreign, "CREATE TABLE photos (id int)");
    assert!(refusal(postgres, &foreign).await.contains("another program"));
    assert_eq!(postgres.sql(&foreign, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");

    let newer = postgres.database();
    open(at(&newer)).await.unwrap();
    postgres.sql(&newer, "UPDATE chat_schema SET version = 99");
    let why = refusal(postgres, &newer).await;
    assert!(why.contains("version 99") && why.contains("newer server"), "{why}");

    postgres.sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    let why = refusal(postgres, &postgres.url("latin")).await;
    assert!(why.contains("LATIN1") && why.contains("UTF8"), "{why}");
}

#[tokio::test]
async fn what_is_wrong_with_the_way_there_is_said_without_the_password() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let why = refusal(postgres, &url.replace(postgres.password(), "hunter2")).await;
    assert!(
        why.contains("password authentication failed") && why.contains("postgres://chat@localhost"),
        "{why}"
    );
    assert!(refusal(postgres, &postgres.url("nowhere")).await.contains("\"nowhere\" does not exist"));
    let closed = "postgres://chat:hunter2@127.0.0.1:1/chat";
    assert!(refusal(postgres, closed).await.contains("refused"));
}

#[tokio::test]
async fn the_url_says_whether_the_way_is_encrypted_and_whom_to_believe() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let authority = postgres.authority();
    let encrypted = || {
        postgres.sql(
            &url,
            "SELECT bool_and(s.ssl), count(*) > 0 FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
              WHERE a.application_name = 'chat-server' AND a.datname = current_database()",
        )
    };
    for (mode, seen) in [
        ("", "t|t"),
        ("?sslmode=disable", "f|t"),
        ("?sslmode=require", "t|t"),
        (&format!("?sslmode=verify-full&sslrootcert={}", authority.display()), "t|t"),
    ] {
        let store = open(at(&format!("{url}{mode}"))).await.unwrap();
        store.ping().await.unwrap();
        let begun = Instant::now();
        // Those of the store before are on their way out.
        while encrypted() != seen {
            assert!(begun.elapsed() < DEADLINE, "{mode}: {}", encrypted());
        }
    }
    let why = refusal(postgres, &format!("{url}?sslmode=verify-full")).await;
    assert!(why.contains("certificate"), "{why}");
    let elsewhere = url.replace("localhost", "127.0.0.1");
    let why =
        refusal(postgres, &format!("{elsewhere}?sslmode=verify-full&sslrootcert={}", authority.display()))
            .await;
    assert!(why.contains("certificate"), "{why}");
}
