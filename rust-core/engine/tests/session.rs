//! The session: one question for many requests, its end told once, the next one taken up.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use async_trait::async_trait;
use chat_engine::{
    ConnectionState, DeliveryState, EndReason, Engine, SessionListener, SessionState, Token, TokenProvider,
    TokenUnavailable,
};
use chat_testkit::{LIVE, RecordingListener, ServerProcess, config, eventually};
use std::sync::{Arc, Mutex};

/// Gives whatever the test says at the moment, and counts.
struct App {
    token: Mutex<String>,
    asked: Mutex<Vec<bool>>,
}

#[async_trait]
impl TokenProvider for App {
    async fn token(&self, refused: bool) -> Result<Token, TokenUnavailable> {
        self.asked.lock().unwrap().push(refused);
        let token = Token::new(self.token.lock().unwrap().as_str());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        Ok(token)
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<SessionState>>);

impl SessionListener for Heard {
    fn on_session(&self, state: SessionState) {
        self.0.lock().unwrap().push(state);
    }
}

struct Fixture {
    server: ServerProcess,
    app: Arc<App>,
    heard: Arc<Heard>,
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let server = ServerProcess::start();
        let folder = tempfile::tempdir().unwrap();
        let token = Mutex::new(server.token("alice"));
        let app = Arc::new(App { token, asked: Mutex::default() });
        let engine = Engine::open(config(server.url(), folder.path()), app.clone(), None).unwrap();
        let heard = Arc::new(Heard::default());
        engine.watch_session(heard.clone());
        Self { server, app, heard, engine, _folder: folder }
    }

    /// The server has another secret from now on: every token of before is refused.
    fn revoke(&mut self) {
        self.server.kill();
        self.server.restart_with_secret("another secret of thirty-two bytes");
    }
}

#[tokio::test]
async fn five_rooms_whose_session_ends_ask_once_say_so_once_and_go_on_with_the_next() {
    let mut f = Fixture::new();
    let rooms: Vec<_> = (0..5)
        .map(|_| {
            let listener = RecordingListener::new();
            let room = f.engine.room(f.server.room(), listener.clone()).unwrap();
            room.start();
            (room, listener)
        })
        .collect();
    eventually("live", || rooms.iter().all(|(_, l)| l.connection() == Some(LIVE))).await;
    assert_eq!(*f.app.asked.lock().unwrap(), [false], "five rooms, one question");
    f.revoke();
    let ended = Some(ConnectionState::Ended(EndReason::SessionEnded));
    eventually("ended", || rooms.iter().all(|(_, l)| l.connection() == ended)).await;
    assert_eq!(*f.app.asked.lock().unwrap(), [false, true], "and one more, for all of them");
    eventually("told once", || *f.heard.0.lock().unwrap() == [SessionState::Ended]).await;
    // What is written now is kept.
    let key = rooms[0].0.send("written without a session").unwrap();
    let pending =
        || rooms[0].1.timeline().items().iter().any(|i| i.key == key && i.state == DeliveryState::Pending);
    eventually("shown, waiting", pending).await;
    // One of them is stopped meanwhile; the others go on by themselves when the user has logged in again.
    rooms[4].0.stop();
    *f.app.token.lock().unwrap() = f.server.token("alice");
    f.engine.resume_session();
    let live = |at: usize| rooms[at].1.connection() == Some(LIVE);
    eventually("live again", || (0..4).all(live)).await;
    let confirmed = || rooms[0].1.timeline().items().iter().any(|i| i.key == key && i.id.is_some());
    eventually("sent", confirmed).await;
    assert!(!live(4), "who was stopped stays stopped");
    eventually("told", || *f.heard.0.lock().unwrap() == [SessionState::Ended, SessionState::Active]).await;
    rooms[4].0.start();
    eventually("and starts like any other", || live(4)).await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_nobody_hears_of_it() {
    let f = Fixture::new();
    let listener = RecordingListener::new();
    *f.app.token.lock().unwrap() = "of yesterday".into();
    let room = f.engine.room(f.server.room(), listener.clone()).unwrap();
    let good = f.server.token("alice");
    let app = f.app.clone();
    room.start();
    eventually("the old one was given", || !app.asked.lock().unwrap().is_empty()).await;
    *app.token.lock().unwrap() = good;
    eventually("live", || listener.connection() == Some(LIVE)).await;
    assert_eq!(*app.asked.lock().unwrap(), [false, true]);
    assert!(f.heard.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn logged_out_nothing_is_left_and_another_account_begins_with_nothing() {
    let f = Fixture::new();
    let id = f.server.room();
    f.server.say(id, "bob", "for alice");
    let listener = RecordingListener::new();
    let room = f.engine.room(id, listener.clone()).unwrap();
    room.start();
    eventually("shown", || listener.ids() == [1]).await;
    f.engine.wipe().unwrap();
    assert!(room.send("too late").is_err() && f.engine.room(id, RecordingListener::new()).is_err());
    let left: Vec<_> = std::fs::read_dir(f._folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.iter().all(|p| p.extension().is_some_and(|e| e == "lock")), "{left:?}");
    // Two accounts in one folder: each has its own.
    let mut config = config(f.server.url(), f._folder.path());
    config.account = chat_engine::Account::new(f.server.url(), chat_testkit::user("bob"), true).unwrap();
    let bob =
        Engine::open(config, Arc::new(chat_engine::StaticToken(Token::new(f.server.token("bob")))), None)
            .unwrap();
    let bobs = RecordingListener::new();
    let _room = bob.room(id, bobs.clone()).unwrap();
    eventually("his cache is empty", || !bobs.updates().is_empty()).await;
    assert!(bobs.ids().is_empty());
}
