//! The engine of one account.

use crate::cache::{self, Cache};
use crate::outbox::Outbox;
use crate::poller::Poller;
use crate::repository::{Feed, RoomListener};
use crate::room::{Room, RoomState};
use crate::runtime::{Tasks, ThreadHook, keep_up};
use crate::session::{Session, TokenProvider};
use crate::transport::{Http, Polling, Transport};
use crate::{EngineConfig, EngineError};
use chat_protocol::RoomId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long [`Engine::close`] waits for tasks to end. They end at their next pause, so this is for
/// a listener that does not return.
const CLOSE: Duration = Duration::from_secs(2);

/// Keeps an account's rooms in step with its server. Dropping it closes it.
pub struct Engine {
    shared: Arc<Shared>,
    tasks: Mutex<Option<Tasks>>,
}

pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) cache: Arc<Cache>,
    pub(crate) session: Arc<Session>,
    pub(crate) transport: Arc<dyn Transport>,
    handle: Handle,
    /// `None` once closed.
    rooms: Mutex<Option<HashMap<RoomId, Arc<RoomState>>>>,
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
        let transport = Arc::new(Polling::new(Http::new(&config)?));
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
        let rooms = Mutex::new(Some(HashMap::new()));
        let shared = Arc::new(Shared { config, cache, session, transport, handle, rooms });
        for room in shared.cache.read(cache::rooms_with_work)? {
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
        let feed = Feed::new(id, me.clone(), self.shared.cache.clone(), listener);
        let wanted = state.attach(feed.clone());
        let poller = Poller {
            room: id,
            me,
            wanted: wanted.clone(),
            wake: state.wake.clone(),
            transport: self.shared.transport.clone(),
            session: self.shared.session.clone(),
            cache: self.shared.cache.clone(),
            feed: feed.clone(),
            screen: state.screen.clone(),
            timings: self.shared.config.timings.clone(),
        };
        self.shared.handle.spawn(keep_up(id, "poller", Arc::new(poller), |p| async move { p.run().await }));
        self.shared.handle.spawn(feed.clone().run());
        Ok(Room { id, shared: self.shared.clone(), state, feed, wanted })
    }

    /// The user has logged in again: forgets that the session ended, and sends what is unsent.
    /// Rooms that ended with the session are started by whoever shows them.
    pub fn resume_session(&self) {
        self.shared.session.resume();
    }

    /// Where the cache file is.
    pub fn cache_path(&self) -> &std::path::Path {
        self.shared.cache.path()
    }

    /// Stops every room, ends the threads, writes the log back into the cache file and closes it.
    /// Any number of times, from any thread. Waits up to two seconds for a listener that does not
    /// return, so call it off the main thread; not at all when a listener itself calls it.
    pub fn close(&self) {
        let rooms = self.shared.rooms().take();
        for room in rooms.into_iter().flat_map(HashMap::into_values) {
            room.detach();
        }
        if let Some(tasks) = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tasks.shut_down(CLOSE);
        }
        self.shared.cache.close();
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
        let state = Arc::new(RoomState::default());
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
            timings: self.config.timings.clone(),
        };
        self.handle.spawn(keep_up(id, "outbox", Arc::new(outbox), |o| async move { o.run().await }));
        Ok(state)
    }
}
