//! A phone and what happens to it: carries out the steps of a case.

use crate::book::{Book, Subject};
use crate::ops::{Case, Damage, Op};
use crate::screen::{ListScreen, Screen};
use async_trait::async_trait;
use chat_engine::{
    ChangeState, DeliveryState, Engine, EngineError, LoadError, Loaded, Room, RoomList, TimelineItem, Token,
    TokenProvider, TokenUnavailable, TransportKind,
};
use chat_protocol::{MessageId, RoomId, UserId};
use chat_testkit::{Kind, ModelServer, config, user};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

/// See the module's documentation.
pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) server: Arc<ModelServer>,
    pub(crate) book: Arc<Mutex<Book>>,
    pub(crate) screen: Arc<Screen>,
    pub(crate) lists: Arc<ListScreen>,
    pub(crate) room: Option<Room>,
    list: Option<RoomList>,
    pub(crate) engine: Option<Engine>,
    folder: TempDir,
    tokens: Arc<Tokens>,
    pub(crate) running: bool,
    /// The streams up to this one are on a network that is no more.
    pub(crate) lost: u64,
    said: u32,
    pub(crate) bob: UserId,
    alice: UserId,
}

/// Gives tokens, each another one, and sometimes has none.
#[derive(Default)]
struct Tokens {
    none: AtomicU8,
    given: AtomicU64,
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, _: bool) -> Result<Token, TokenUnavailable> {
        let has_none = self.none.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if has_none.is_ok() {
            return Err(TokenUnavailable);
        }
        Ok(Token::new(format!("token {}", self.given.fetch_add(1, Ordering::Relaxed))))
    }
}

/// In memory, where there is such a place: thousands of caches are opened and closed.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl World {
    pub(crate) fn new(case: &Case) -> Result<Self, String> {
        fastrand::seed(case.jitter);
        let (bob, alice) = (user("bob"), user("alice"));
        let server = ModelServer::new(alice.clone(), case.page, case.tells_keys, case.timings());
        let book = Arc::new(Mutex::new(Book::default()));
        let screen = Screen::new(server.clone(), book.clone(), case.tells_keys, case.retention > 1_000);
        let mut world = Self {
            case: case.clone(),
            server,
            book,
            screen,
            lists: Arc::default(),
            room: None,
            list: None,
            engine: None,
            folder: folder(),
            tokens: Arc::default(),
            running: false,
            lost: 0,
            said: 0,
            bob,
            alice,
        };
        for _ in 0..case.before {
            let text = world.text("bob");
            world.server.say(&world.bob, &text);
        }
        world.open()?;
        Ok(world)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    pub(crate) fn text(&mut self, who: &str) -> String {
        self.said += 1;
        format!("{who} {}", self.said)
    }

    fn open(&mut self) -> Result<(), String> {
        let mut config = config("http://nowhere", self.folder.path());
        config.timings = self.case.timings();
        config.transport = self.case.transport;
        config.retention = self.case.retention;
        let engine = Engine::open_with(config, self.tokens.clone(), self.server.clone(), Handle::current())
            .map_err(|e| format!("does not open: {e}"))?;
        self.engine = Some(engine);
        self.open_screens()
    }

    fn open_screens(&mut self) -> Result<(), String> {
        let engine = self.engine.as_ref().unwrap();
        self.screen.shut(true);
        self.lists.shut(true);
        self.screen = Screen::new(
            self.server.clone(),
            self.book.clone(),
            self.case.tells_keys,
            self.case.retention > 1_000,
        );
        self.lists = Arc::default();
        self.room =
            Some(engine.room(RoomId::new(1).unwrap(), self.screen.clone()).map_err(|e| e.to_string())?);
        self.list = Some(engine.rooms(self.lists.clone()).map_err(|e| e.to_string())?);
        self.running = false;
        Ok(())
    }

    /// The process ends.
    fn end(&mut self) {
        self.screen.shut(true);
        self.lists.shut(true);
        self.server.process_ends();
        self.room = None;
        self.list = None;
        self.engine = None;
    }

    /// What is wrong by now, if anything is.
    pub(crate) fn wrong(&self) -> Option<String> {
        self.screen.wrong().or_else(|| self.lists.wrong()).or_else(|| self.server.rude())
    }

    pub(crate) async fn step(&mut self, op: &Op, pause: u64) -> Result<(), String> {
        self.happen(op).await?;
        if pause > 0 {
            sleep(Duration::from_millis(pause)).await;
            self.streams()?;
        }
        self.wrong().map_or(Ok(()), Err)
    }

    async fn happen(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::OtherSays(_) | Op::OtherEdits(_) | Op::OtherDeletes(_) => self.other(op),
            Op::TwinSays | Op::TwinEdits(_) | Op::TwinDeletes(_) | Op::TwinReads(_) => self.twin(op),
            Op::Send => self.send()?,
            Op::SendInto(mishaps) => {
                self.server.plan(Kind::Send, mishaps.iter().copied());
                self.send()?;
            }
            Op::EditInto(pick, mishaps) => {
                self.server.plan(Kind::Change, mishaps.iter().copied());
                self.change(&Op::Edit(*pick), *pick)?;
            }
            Op::LoadInto(mishaps) => {
                self.server.plan(Kind::History, mishaps.iter().copied());
                self.job(&Op::LoadOlder);
            }
            Op::PushInto(mishaps) => {
                self.server.plan(Kind::Changes, mishaps.iter().copied());
                self.job(&Op::Push);
            }
            Op::Edit(pick) | Op::Delete(pick) => self.change(op, *pick)?,
            Op::EditOther(pick) => self.change_somebody_elses(*pick).await?,
            Op::Discard(pick) => self.discard(*pick).await?,
            Op::Retry(pick) => {
                if let Some(item) = self.pick(*pick, failed) {
                    ignore(self.room().retry(item.key));
                }
            }
            Op::MarkRead(pick) => {
                if let Some(id) = self.pick(*pick, |item| item.id.is_some()).and_then(|item| item.id)
                    && self.room().mark_read(id).is_ok()
                {
                    let mut book = self.book();
                    book.marked = book.marked.max(id.get());
                }
            }
            Op::Plan(kind, mishaps) => self.server.plan(*kind, mishaps.iter().copied()),
            Op::PlanStreams(kind, mishaps) => self.server.plan_streams(*kind, mishaps.iter().copied()),
            Op::SwitchInto(mishaps) => {
                use TransportKind::{LongPolling, Sse, WebSocket};
                for (kind, mishaps) in [WebSocket, Sse, LongPolling].into_iter().zip(mishaps) {
                    self.server.plan_streams(kind, mishaps.iter().copied());
                }
                self.job(&Op::Start);
                self.job(&Op::NetworkBack);
            }
            Op::Look => self.look(false).await?,
            Op::LookPushed => self.look(true).await?,
            Op::NoToken(times) => self.tokens.none.store(*times, Ordering::Relaxed),
            Op::Reopen => self.open_screens()?,
            Op::Ends(tidily) => self.ends(*tidily)?,
            Op::Corrupt(damage) => self.corrupt(*damage)?,
            _ => self.job(op),
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), String> {
        let text = self.text("me");
        let at = self.server.tick();
        let key = self.room().send(&text).map_err(|error| format!("could not be sent: {error}"))?;
        self.book().wrote(key.get(), text, at);
        Ok(())
    }

    pub(crate) fn room(&self) -> &Room {
        self.room.as_ref().unwrap()
    }

    pub(crate) fn job(&mut self, op: &Op) {
        let (room, engine) = (self.room.as_ref().unwrap(), self.engine.as_ref().unwrap());
        match op {
            Op::Start => {
                self.screen.shut(false);
                room.start();
                self.running = true;
            }
            Op::Stop => {
                room.stop();
                self.screen.shut(true);
                self.running = false;
            }
            Op::Wake => room.wake(),
            Op::Push => ignore(engine.wake(room.id())),
            Op::LoadOlder => room.load_older(|_| {}),
            Op::NetworkBack => {
                engine.network_back();
                self.lost = self.server.streams_begun();
            }
            Op::LogIn => engine.resume_session(),
            Op::ListStarts(true) => {
                self.lists.shut(false);
                self.list.as_ref().unwrap().start();
            }
            Op::ListStarts(false) => {
                self.list.as_ref().unwrap().stop();
                self.lists.shut(true);
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn other(&mut self, op: &Op) {
        let of_bob = |sender: &UserId| sender.as_str() == "bob";
        match op {
            Op::OtherSays(times) => {
                for _ in 0..*times {
                    let text = self.text("bob");
                    self.server.say(&self.bob, &text);
                }
            }
            Op::OtherEdits(pick) => {
                let text = self.text("bob");
                self.there(*pick, of_bob).map(|id| self.server.rewrite(id, Some(&text)));
            }
            Op::OtherDeletes(pick) => {
                self.there(*pick, of_bob).map(|id| self.server.rewrite(id, None));
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn twin(&mut self, op: &Op) {
        let of_alice = |sender: &UserId| sender.as_str() == "alice";
        match op {
            Op::TwinSays => {
                let text = self.text("twin");
                self.server.say(&self.alice, &text);
            }
            Op::TwinEdits(pick) => {
                let text = self.text("twin");
                self.there(*pick, of_alice).map(|id| self.server.rewrite(id, Some(&text)));
            }
            Op::TwinDeletes(pick) => {
                self.there(*pick, of_alice).map(|id| self.server.rewrite(id, None));
            }
            Op::TwinReads(pick) => {
                if let Some(id) = self.there(*pick, |_| true) {
                    self.server.read_elsewhere(id);
                }
            }
            other => unreachable!("{other:?}"),
        }
    }

    /// One of the server's messages; the newer ones are likelier.
    fn there(&self, pick: u8, of: impl Fn(&UserId) -> bool) -> Option<MessageId> {
        let mut ids: Vec<_> =
            self.server.truth().into_iter().filter(|m| of(&m.sender)).map(|m| m.id).collect();
        ids.reverse();
        choose(&ids, pick).copied()
    }

    /// One of the rows on screen; the newer ones are likelier.
    fn pick(&self, pick: u8, which: impl Fn(&TimelineItem) -> bool) -> Option<TimelineItem> {
        let timeline = self.screen.timeline();
        let mut items: Vec<_> = timeline.items().iter().filter(|item| which(item)).cloned().collect();
        items.reverse();
        choose(&items, pick).cloned()
    }

    fn subject(&self, item: &TimelineItem) -> Option<Subject> {
        let book = self.book();
        match item.id {
            None => book.by_key(item.key.get()).map(Subject::Own),
            Some(id) => book.subject(&self.server, id),
        }
    }

    fn change(&mut self, op: &Op, pick: u8) -> Result<(), String> {
        let Some(item) = self.pick(pick, |item| item.own && !item.deleted) else { return Ok(()) };
        let Some(subject) = self.subject(&item) else { return Err(format!("whose is {item:?}?")) };
        let at = self.server.tick();
        let (done, text) = match op {
            Op::Edit(_) => {
                let text = self.text("me");
                (self.room().edit(item.key, &text), Some(text))
            }
            _ => (self.room().delete(item.key), None),
        };
        match done {
            Ok(()) => self.book().wished(subject, text, at),
            // The screen is behind, or damaged goods.
            Err(EngineError::NotFound | EngineError::CacheCorrupt) => {}
            Err(error) => return Err(format!("{op:?} of {item:?}: {error}")),
        }
        Ok(())
    }

    async fn change_somebody_elses(&mut self, pick: u8) -> Result<(), String> {
        let Some(item) = self.pick(pick, |item| !item.own && !item.deleted) else { return Ok(()) };
        match self.room().edit(item.key, "mine now") {
            Err(EngineError::NotTheSender | EngineError::NotFound | EngineError::CacheCorrupt) => Ok(()),
            other => Err(format!("somebody else's message was edited: {other:?}")),
        }
    }

    async fn discard(&mut self, pick: u8) -> Result<(), String> {
        for _ in 0..10 {
            tokio::task::yield_now().await; // so that the screen is not behind
        }
        let of_mine =
            |item: &TimelineItem| item.own && (item.id.is_none() || item.change != ChangeState::None);
        let Some(item) = self.pick(pick, of_mine) else { return Ok(()) };
        let Some(subject) = self.subject(&item) else { return Ok(()) };
        let unsent = match subject {
            Subject::Own(own) => self.book().own[own].on(&self.server).is_none(),
            Subject::Twin(_) => false,
        };
        // With the screen shut, which of message and change is taken back cannot be told from outside.
        if item.id.is_none() && !unsent && !(self.running && failed(&item)) {
            return Ok(());
        }
        let at = self.server.tick();
        if self.room().discard(item.key).is_err() {
            return Ok(());
        }
        let wanted = self.server.wanted();
        let mut book = self.book();
        book.took_back(subject, at);
        if let Subject::Own(own) = subject
            && item.id.is_none()
        {
            let own = &mut book.own[own];
            own.gone = Some(at);
            let arrives = |text: &str| wanted.iter().any(|w| w.reached && w.what.says(text));
            if self.running && !failed(&item) && own.texts().any(arrives) {
                return Err(format!("{item:?} was taken back, and is there"));
            }
        }
        Ok(())
    }

    /// The process ends, and the next one begins; untidily, with the files as they were while it ran.
    fn ends(&mut self, tidily: bool) -> Result<(), String> {
        if tidily {
            self.end();
        } else {
            let image = folder();
            for file in files(self.folder.path()) {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                if !name.ends_with(".lock") && !name.ends_with("-shm") {
                    std::fs::copy(&file, image.path().join(name)).unwrap();
                }
            }
            self.end();
            self.folder = image;
        }
        self.open()
    }

    fn corrupt(&mut self, damage: Damage) -> Result<(), String> {
        self.end();
        self.book().corrupted = true;
        let is_cache = |path: &PathBuf| path.extension().is_some_and(|e| e == "sqlite3");
        let file = files(self.folder.path()).into_iter().find(is_cache).unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        let pages = bytes.len() / 4096;
        match damage {
            Damage::File => bytes.fill(0xaa),
            Damage::Page(page) => bytes[usize::from(page) % pages * 4096..][..4096].fill(0xaa),
            Damage::Cut(page) => bytes.truncate(usize::from(page) % pages * 4096 + 100),
        }
        std::fs::write(&file, bytes).unwrap();
        self.open()
    }

    /// Nothing goes wrong any more, and the room is on screen.
    pub(crate) fn heal(&mut self) {
        self.server.heal();
        self.tokens.none.store(0, Ordering::Relaxed);
        self.job(&Op::LogIn);
        self.job(&Op::Start);
    }

    /// Everything is well again, and the user looks.
    pub(crate) fn recover(&mut self) {
        self.heal();
        self.job(&Op::ListStarts(true));
        if self.case.new_network {
            self.job(&Op::NetworkBack);
        }
    }

    /// Scrolls to the beginning.
    pub(crate) async fn scroll_up(&self) -> Result<(), String> {
        for page in 0..200 {
            let (tell, told) = tokio::sync::oneshot::channel();
            self.room().load_older(move |answer: Result<Loaded, LoadError>| {
                let _ = tell.send(answer); // not heard when the test has failed
            });
            match timeout(Duration::from_secs(600), told).await {
                Ok(Ok(Ok(Loaded { has_older: true }))) => {}
                Ok(Ok(Ok(Loaded { has_older: false }))) => return Ok(()),
                // It was asked for already, and what went wrong then is heard only now.
                Ok(Ok(Err(_))) if page == 0 => {}
                other => return Err(format!("older messages: {other:?}")),
            }
        }
        Err("there is no end to older messages".into())
    }

    /// Tries again whatever was refused.
    pub(crate) fn retry_all(&self) {
        for item in self.screen.timeline().items().iter().filter(|item| failed(item)) {
            ignore(self.room().retry(item.key));
        }
    }
}

fn failed(item: &TimelineItem) -> bool {
    matches!(item.state, DeliveryState::Failed(_)) || matches!(item.change, ChangeState::Failed(_))
}

fn ignore(_: Result<(), EngineError>) {}

/// One of several, the first ones likelier.
fn choose<T>(of: &[T], pick: u8) -> Option<&T> {
    let most = if pick.is_multiple_of(2) { 4 } else { of.len() };
    of.get(usize::from(pick / 2) % of.len().min(most).max(1))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
