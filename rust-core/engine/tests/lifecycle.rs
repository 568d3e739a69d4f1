//! Start, stop and close: any order, any number of times, and nothing left behind.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

use chat_engine::{
    ConnectionState, Engine, EngineError, ListenerFailed, RoomListener, StaticToken, TimelineUpdate, Token,
};
use chat_protocol::RoomId;
use chat_testkit::{LIVE, RecordingListener, ServerProcess, config, wait};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn open(server: &ServerProcess, folder: &tempfile::TempDir) -> Engine {
    let token = Arc::new(StaticToken(Token::new(server.token("alice"))));
    Engine::open(config(server.url(), folder.path()), token, None).unwrap()
}

#[test]
fn close_in_any_order_and_any_number_of_times() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let id = server.room();
    for order in 0..6 {
        let engine = open(&server, &folder);
        let listener = RecordingListener::new();
        let room = engine.room(id, listener.clone()).unwrap();
        room.start();
        if order % 2 == 0 {
            wait("a job that works", || listener.connection() == Some(LIVE));
        }
        match order {
            0 | 1 => {
                room.stop();
                room.detach();
                engine.close();
            }
            2 | 3 => {
                engine.close();
                room.start();
                room.stop();
            }
            _ => {
                engine.close();
                engine.close();
                room.detach();
                room.detach();
            }
        }
        assert_eq!(room.send("too late").err(), Some(EngineError::Closed));
        assert!(matches!(engine.room(id, listener.clone()), Err(EngineError::Closed)));
        room.wake();
        engine.close();
        let heard = listener.calls();
        drop(engine);
        drop(room);
        assert_eq!(listener.calls(), heard);
    }
}

#[test]
fn a_close_writes_the_log_back_into_the_file() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&server, &folder);
    let path = engine.cache_path().to_owned();
    engine.close();
    assert!(path.exists());
    assert!(!path.with_extension("sqlite3-wal").exists());
}

/// Closes the engine from inside a callback.
struct Closer(Mutex<Option<Arc<Engine>>>, AtomicBool);

impl RoomListener for Closer {
    fn on_timeline(&self, _: TimelineUpdate) -> Result<(), ListenerFailed> {
        if let Some(engine) = self.0.lock().unwrap().take() {
            engine.close();
            self.1.store(true, Ordering::SeqCst);
        }
        Ok(())
    }
    fn on_connection(&self, _: ConnectionState) -> Result<(), ListenerFailed> {
        Ok(())
    }
}

#[test]
fn a_listener_may_close_the_engine_that_called_it() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(&server, &folder));
    let closer = Arc::new(Closer(Mutex::new(Some(engine.clone())), AtomicBool::new(false)));
    let room = engine.room(server.room(), closer.clone());
    wait("closed from within", || closer.1.load(Ordering::SeqCst));
    drop(room);
}

/// Is slow, panics the first time it hears of a message and fails the second time.
#[derive(Default)]
struct Awkward {
    messages: AtomicUsize,
    heard: Mutex<Vec<TimelineUpdate>>,
}

impl RoomListener for Awkward {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        std::thread::sleep(Duration::from_secs(1)); // the point of this listener is to be slow
        let (TimelineUpdate::Snapshot { items, .. } | TimelineUpdate::Diff { upserted: items, .. }) = &update;
        if !items.is_empty() {
            match self.messages.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("the listener panics"),
                1 => return Err(ListenerFailed),
                _ => self.heard.lock().unwrap().push(update),
            }
        }
        Ok(())
    }
    fn on_connection(&self, _: ConnectionState) -> Result<(), ListenerFailed> {
        Ok(())
    }
}

#[test]
fn start_and_stop_never_wait_for_a_slow_listener_and_what_it_failed_to_take_comes_again() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let id = server.room();
    let engine = open(&server, &folder);
    let listener = Arc::new(Awkward::default());
    let room = engine.room(id, listener.clone()).unwrap();
    let begun = Instant::now();
    for _ in 0..1_000 {
        room.start();
        room.stop();
    }
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?} for a listener of 1 s", begun.elapsed());
    room.start();
    server.say(id, "bob", "hello");
    wait("it has heard it after a panic and a failure", || !listener.heard.lock().unwrap().is_empty());
    let heard = listener.heard.lock().unwrap();
    assert!(matches!(&heard[0], TimelineUpdate::Snapshot { items, .. } if items[0].text == "hello"));
}

#[tokio::test]
async fn opening_a_cache_that_is_in_use_is_an_error_on_a_runtimes_thread_too() {
    let folder = tempfile::tempdir().unwrap();
    let token = || Arc::new(StaticToken(Token::new("token")));
    let first = Engine::open(config("http://nowhere", folder.path()), token(), None).unwrap();
    let second = Engine::open(config("http://nowhere", folder.path()), token(), None);
    assert_eq!(second.err(), Some(EngineError::CacheInUse));
    drop(first);
}

#[test]
fn nothing_is_heard_after_stop_while_messages_keep_coming() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let id = server.room();
    let engine = open(&server, &folder);
    let listener = RecordingListener::new();
    let room = engine.room(id, listener.clone()).unwrap();
    room.start();
    // A first look begins with the newest page; this test wants to count from the first message.
    wait("the empty room is known", || listener.connection() == Some(LIVE));
    let done = Arc::new(AtomicBool::new(false));
    let talker = {
        let (mut sayer, done) = (server.sayer(id, "bob"), done.clone());
        std::thread::spawn(move || {
            let mut said = 0;
            while !done.load(Ordering::SeqCst) {
                said += 1;
                sayer.say(&format!("{said}"));
            }
            said
        })
    };
    for _ in 0..20 {
        room.start();
        let heard = listener.calls();
        wait("it is heard", || listener.calls() > heard + 1);
        room.stop();
        // One call may have been let through before the gate was shut; no other follows.
        std::thread::sleep(Duration::from_millis(5)); // a window to be silent in, not a condition to wait for
        let heard = listener.calls();
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(listener.calls(), heard);
    }
    done.store(true, Ordering::SeqCst);
    let said = talker.join().unwrap();
    room.start();
    wait("everything said is shown", || listener.ids().last() == Some(&said) && listener.is_whole());
    assert_eq!(listener.ids(), (1..=said).collect::<Vec<_>>(), "once and in order");
}

#[test]
fn a_room_number_below_one_cannot_be_made() {
    assert!(RoomId::new(0).is_err());
}
