//! The engine of one account.

use crate::cache::{self, Cache, Reach};
use crate::outbox::Outbox;
use crate::poller::{Cadence, Fetch, Ladder, Lines, Ownership, Poller, RoomPoll, RoomsPoll, Wanted};
use crate::repository::{Change, Feed, History, RoomListFeed, RoomListListener, RoomListener, Screen, Slot};
use crate::room::{Room, RoomState};
use crate::rooms::RoomList;
use crate::runtime::{Tasks, ThreadHook, keep_up};
use crate::session::{Session, SessionState, TokenProvider, Turns};
use crate::transport::{Polling, Transport};
use crate::{EngineConfig, EngineError};
use chat_protocol::RoomId;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

/// How long [`Engine::close`] waits for tasks to end. They end at their next pause, so this is for
/// a listener that does not return.
const CLOSE: Duration = Duration::from_secs(2);

/// Keeps an account's rooms in step with its server. Dropping it closes it.
pub struct Engine {
    shared: Arc<Shared>,
    tasks: Mutex<Option<Tasks>>,
}

/// Hears how the session stands.
pub trait SessionListener: Send + Sync + 'static {
    /// It ended: told once, however many requests found out. Or a new one has begun. On an engine
    /// thread; must not wait.
    fn on_session(&self, state: SessionState);
}

/// What an engine has asked of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Requests made, handshakes of streams included. What goes over an open socket is none.
    pub requests: u64,
    /// Streams that broke, each of which was taken up again at its cursor.
    pub reconnects: u64,
}

pub(crate) struct Shared {
    pub(crate) config: Arc<EngineConfig>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) session: Arc<Session>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) handle: Handle,
    pub(crate) list: ListState,
    /// For polls and history, and for what the user sends.
    pub(crate) turns: Arc<Turns>,
    send_turns: Arc<Turns>,
    /// How rooms are followed.
    lines: Arc<Lines>,
    /// `None` once closed.
    rooms: Mutex<Option<HashMap<RoomId, Arc<RoomState>>>>,
}

/// The part of the list of rooms that outlives its screen.
#[derive(Default)]
pub(crate) struct ListState {
    pub(crate) screen: Slot<RoomListFeed>,
    pub(crate) wake: Arc<Notify>,
    job: Ownership,
}

impl Engine {
    /// Opens the account's cache and begins to send what is still unsent. Polls nothing yet.
    /// Touches the disk: call it off the main thread. `hook` runs on each of the engine's threads.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`], [`EngineError::CacheInUse`], [`EngineError::CacheTooNew`] or
    /// [`EngineError::Storage`].
    pub fn open(
        config: EngineConfig,
        tokens: Arc<dyn TokenProvider>,
        hook: Option<ThreadHook>,
    ) -> Result<Self, EngineError> {
        config.validate()?;
        let transport = Arc::new(Polling::new(&config)?);
        Self::assemble(config, tokens, transport, Tasks::own(hook)?)
    }

    /// The same over another transport and on the caller's runtime, which must outlive the engine.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with(
        config: EngineConfig,
        tokens: Arc<dyn TokenProvider>,
        transport: Arc<dyn Transport>,
        handle: Handle,
    ) -> Result<Self, EngineError> {
        config.validate()?;
        Self::assemble(config, tokens, transport, Tasks::Borrowed(handle))
    }

    fn assemble(
        config: EngineConfig,
        tokens: Arc<dyn TokenProvider>,
        transport: Arc<dyn Transport>,
        tasks: Tasks,
    ) -> Result<Self, EngineError> {
        match Self::start(config, tokens, transport, tasks.handle().clone()) {
            Ok(shared) => Ok(Self { shared, tasks: Mutex::new(Some(tasks)) }),
            Err(error) => {
                tasks.shut_down(CLOSE); // not by dropping it, which a runtime's own threads may not
                Err(error)
            }
        }
    }

    fn start(
        config: EngineConfig,
        tokens: Arc<dyn TokenProvider>,
        transport: Arc<dyn Transport>,
        handle: Handle,
    ) -> Result<Arc<Shared>, EngineError> {
        let cache = Arc::new(Cache::open(&config.data_dir, &config.account.file_name())?);
        let session = Session::new(tokens, config.timings.token_timeout);
        let turns = Turns::new(session.clone(), config.concurrency);
        let send_turns = Turns::new(session.clone(), config.concurrency);
        let rooms = Mutex::new(Some(HashMap::new()));
        let had = |kind| transport.follower(kind).is_some();
        let lines = Arc::new(Lines::new(Ladder::new(config.transport, had, &config.timings)));
        let (config, list) = (Arc::new(config), ListState::default());
        let shared = Arc::new(Shared {
            config,
            cache,
            session,
            transport,
            handle,
            list,
            turns,
            send_turns,
            lines,
            rooms,
        });
        let weak = Arc::downgrade(&shared);
        shared.cache.on_replaced(move || weak.upgrade().iter().for_each(|shared| shared.begin_anew()));
        let with_work = match shared.cache.read(cache::rooms_with_work) {
            // Replaced by now.
            Err(EngineError::CacheCorrupt) => shared.cache.read(cache::rooms_with_work),
            other => other,
        }?;
        for room in with_work {
            shared.room_state(room)?;
        }
        Ok(shared)
    }

    /// Opens a room. `listener` first hears the timeline as it is cached, started or not.
    ///
    /// A room has one listener: opening it again stops the job and detaches the listener of before.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub fn room(&self, id: RoomId, listener: Arc<dyn RoomListener>) -> Result<Room, EngineError> {
        let state = self.shared.room_state(id)?;
        let me = self.shared.config.account.user.clone();
        let feed = Feed::new(id, me, self.shared.cache.clone(), listener);
        let wanted = state.attach(feed.clone());
        let fetch = self.shared.fetch(id, &state);
        let poller = Poller {
            name: format!("room {id}"),
            poll: RoomPoll { fetch: fetch.clone(), feed: feed.clone(), lines: self.shared.lines.clone() },
            wanted: wanted.clone(),
            wake: state.wake.clone(),
            session: self.shared.session.clone(),
            timings: self.shared.config.timings.clone(),
            cadence: Cadence::room,
        };
        let name = format!("room {id}: the poller");
        self.shared.handle.spawn(keep_up(name, Arc::new(poller), |p| async move { p.run().await }));
        self.shared.handle.spawn(feed.clone().run());
        let history = History::new(fetch, self.shared.cache.clone(), feed.clone());
        Ok(Room { id, shared: self.shared.clone(), state, feed, history, wanted })
    }

    /// Opens the list of the user's rooms. `listener` first hears it as it is cached, started or not.
    /// There is one listener, as there is for a room.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub fn rooms(&self, listener: Arc<dyn RoomListListener>) -> Result<RoomList, EngineError> {
        if self.shared.rooms().is_none() {
            return Err(EngineError::Closed);
        }
        let shared = &self.shared;
        let feed = RoomListFeed::new(shared.config.account.user.clone(), shared.cache.clone(), listener);
        let wanted = shared.list.attach(feed.clone());
        let poller = Poller {
            name: "rooms".into(),
            poll: RoomsPoll { shared: shared.clone(), feed: feed.clone() },
            wanted: wanted.clone(),
            wake: shared.list.wake.clone(),
            session: shared.session.clone(),
            timings: shared.config.timings.clone(),
            cadence: Cadence::rooms,
        };
        let name = "the rooms' poller".into();
        shared.handle.spawn(keep_up(name, Arc::new(poller), |p| async move { p.run().await }));
        shared.handle.spawn(feed.clone().run());
        Ok(RoomList { shared: shared.clone(), feed, wanted })
    }

    /// A push message says that there is something new in a room. Its job polls now, if it runs; else the
    /// room is brought up to date once, so that its cache is when it is shown. What is unsent is tried again.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub fn wake(&self, id: RoomId) -> Result<(), EngineError> {
        let state = self.shared.room_state(id)?;
        state.work.notify_one();
        self.shared.list.wake.notify_one();
        state.wake.notify_one();
        if !state.is_running() {
            let (fetch, config) = (self.shared.fetch(id, &state), self.shared.config.clone());
            self.shared.handle.spawn(async move { state.look_in(&fetch, &config.timings).await });
        }
        Ok(())
    }

    /// The network is back, or is another one: every job that runs polls and opens its stream anew, and
    /// everything unsent is tried again, now.
    pub fn network_back(&self) {
        for room in self.shared.rooms().iter().flat_map(HashMap::values) {
            room.wake.notify_one();
            room.work.notify_one();
        }
        self.shared.list.wake.notify_one();
        // Last: the poll that this begins answers the wake-up as well.
        self.shared.lines.network_back();
    }

    /// Tells `listener` how the session stands from now on.
    pub fn watch_session(&self, listener: Arc<dyn SessionListener>) {
        let mut standing = self.shared.session.standing();
        self.shared.handle.spawn(async move {
            // It may have ended before anybody asked: what is unsent is sent from the opening on.
            let mut state = *standing.borrow_and_update();
            let mut told = SessionState::Active;
            loop {
                if std::mem::replace(&mut told, state) != state {
                    // A listener that panics has been told.
                    let _ = catch_unwind(AssertUnwindSafe(|| listener.on_session(state)));
                }
                if standing.changed().await.is_err() {
                    return;
                }
                state = *standing.borrow_and_update();
            }
        });
    }

    /// The user has logged in again: forgets that the session ended, sends what is unsent, and goes on
    /// with the jobs that ended with the session and were not stopped since.
    pub fn resume_session(&self) {
        self.shared.session.resume();
    }

    /// What this engine has asked of its server so far, for whoever compares transports.
    pub fn traffic(&self) -> Traffic {
        Traffic { requests: self.shared.transport.requests(), reconnects: self.shared.lines.broken() }
    }

    /// Where the cache file is.
    pub fn cache_path(&self) -> &std::path::Path {
        self.shared.cache.path()
    }

    /// Stops every room, ends the threads, writes the log back into the cache file and closes it.
    /// Any number of times, from any thread. Waits up to two seconds for a listener that does not
    /// return, so call it off the main thread; not at all when a listener itself calls it.
    pub fn close(&self) {
        let rooms = self.end_tasks();
        self.shared.cache.close();
        // On the caller's own runtime the tasks go on until they find it closed.
        rooms.iter().for_each(|room| room.work.notify_one());
    }

    fn end_tasks(&self) -> Vec<Arc<RoomState>> {
        let rooms = self.shared.rooms().take();
        let rooms: Vec<_> = rooms.into_iter().flat_map(HashMap::into_values).collect();
        rooms.iter().for_each(|room| room.detach());
        self.shared.list.detach();
        if let Some(tasks) = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tasks.shut_down(CLOSE);
        }
        rooms
    }
}

impl Engine {
    /// The user logs out: closes the engine, and deletes the account's cache with all that is in it, what
    /// is unsent too.
    ///
    /// # Errors
    /// [`EngineError::Storage`] when a file would not go.
    pub fn wipe(&self) -> Result<(), EngineError> {
        self.end_tasks();
        self.shared.cache.wipe()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn rooms(&self) -> MutexGuard<'_, Option<HashMap<RoomId, Arc<RoomState>>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of a room that outlives its screen: its outbox.
    fn room_state(&self, id: RoomId) -> Result<Arc<RoomState>, EngineError> {
        let mut rooms = self.rooms();
        let rooms = rooms.as_mut().ok_or(EngineError::Closed)?;
        if let Some(state) = rooms.get(&id) {
            return Ok(state.clone());
        }
        let state = Arc::new(RoomState::new(Screen::new(self.list.screen.clone())));
        rooms.insert(id, state.clone());
        let outbox = Outbox {
            room: id,
            me: self.config.account.user.clone(),
            transport: self.transport.clone(),
            session: self.session.clone(),
            cache: self.cache.clone(),
            screen: state.screen.clone(),
            work: state.work.clone(),
            sent: state.wake.clone(),
            turns: self.send_turns.clone(),
            timings: self.config.timings.clone(),
        };
        let name = format!("room {id}: the outbox");
        self.handle.spawn(keep_up(name, Arc::new(outbox), |o| async move { o.run().await }));
        Ok(state)
    }

    fn fetch(&self, room: RoomId, state: &RoomState) -> Arc<Fetch> {
        Arc::new(Fetch {
            room,
            me: self.config.account.user.clone(),
            transport: self.transport.clone(),
            turns: self.turns.clone(),
            cache: self.cache.clone(),
            screen: state.screen.clone(),
            work: state.work.clone(),
            raised: state.raised.clone(),
            config: self.config.clone(),
        })
    }

    /// Tells the screens of rooms how far these are known and read now. Called with the cache's lock held.
    pub(crate) fn tell_reach(&self, rooms: Vec<(RoomId, Reach)>) {
        let open = self.rooms();
        for (room, reach) in rooms {
            if let Some(state) = open.as_ref().and_then(|open| open.get(&room)) {
                state.screen.push(Change { reach: Some(reach), ..Change::default() });
            }
        }
    }

    /// The cache is a new file: everything that was read from it is read, and asked for, again. Called
    /// with the cache's lock held.
    fn begin_anew(&self) {
        for room in self.rooms().iter().flat_map(HashMap::values) {
            room.screen.refresh();
            room.wake.notify_one();
            room.work.notify_one();
        }
        self.list.screen.tell(RoomListFeed::refresh);
        self.list.wake.notify_one();
    }
}

impl ListState {
    fn attach(&self, feed: Arc<RoomListFeed>) -> watch::Sender<Wanted> {
        self.screen.replace(Some(feed));
        self.job.hand_over()
    }

    fn detach(&self) {
        self.screen.replace(None);
        self.job.end();
    }
}
