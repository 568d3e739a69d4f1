//! An account's client.

use crate::connection::TransportChoice;
use crate::room::{self, RoomCore, RoomListener};
use crate::rooms::{self, RoomListCore, RoomListListener};
use crate::session::{self, SessionListener};
use crate::tokens::{TokenSource, Tokens};
use crate::trust::{self, ServerTrust};
use crate::{CoreError, jvm};
use chat_engine::protocol::{RoomId, UserId};
use chat_engine::{Account, Engine, EngineConfig, Trust};
use std::sync::Arc;
use std::time::Duration;

/// What [`ChatCore::new`] needs.
#[derive(Debug, Clone, uniffi::Record)]
pub struct CoreConfig {
    /// The server's origin: `https://chat.example.com`, without a path.
    pub server_url: String,
    /// Whose account: messages by this user are "own".
    pub user_id: String,
    /// Folder for the cache, made if missing; it holds one file per server and user.
    pub data_dir: String,
    /// How a room's changes are waited for.
    pub transport: TransportChoice,
    /// Milliseconds between an answer and the next poll while a room is lively: for the minute after
    /// anything happened in it.
    pub poll_interval_ms: u64,
    /// The most milliseconds between an answer and the next poll; a second is added for each ten of
    /// silence. At `poll_interval_ms` the cadence is fixed.
    pub poll_ceiling_ms: u64,
    /// `poll_interval_ms` of the list of rooms.
    pub rooms_interval_ms: u64,
    /// How many messages of a room are kept on the device.
    pub messages_kept: u32,
    /// Milliseconds for connecting, and for each further piece of an answer.
    pub answer_timeout_ms: u64,
    /// Whether `http://` is taken as well.
    pub allow_cleartext: bool,
    /// `User-Agent` of every request; empty for the library's own.
    pub user_agent: String,
}

/// An account's client: its cache, its session, its rooms.
#[derive(uniffi::Object)]
pub struct ChatCore {
    engine: Engine,
    tokens: Arc<Tokens>,
}

#[uniffi::export]
impl ChatCore {
    /// Opens the account's cache and begins to send what is unsent. Touches the disk: not on the main thread.
    /// Every `https` and `wss` connection is for `trust` to allow.
    ///
    /// # Errors
    /// `InvalidConfig`, `CacheInUse`, `CacheTooNew` or `Storage`.
    #[uniffi::constructor]
    pub fn new(
        config: CoreConfig,
        tokens: Arc<dyn TokenSource>,
        trust: Arc<dyn ServerTrust>,
    ) -> Result<Arc<Self>, CoreError> {
        let user = UserId::new(config.user_id)
            .map_err(|e| CoreError::InvalidConfig { reason: format!("user id: {e}") })?;
        let account = Account::new(&config.server_url, user, config.allow_cleartext)?;
        let mut engine = EngineConfig::new(account, config.data_dir);
        engine.transport = config.transport.into();
        engine.timings.poll_interval = Duration::from_millis(config.poll_interval_ms);
        engine.timings.poll_ceiling = Duration::from_millis(config.poll_ceiling_ms);
        engine.timings.rooms_interval = Duration::from_millis(config.rooms_interval_ms);
        engine.retention = config.messages_kept.into();
        engine.timings.answer_timeout = Duration::from_millis(config.answer_timeout_ms);
        engine.user_agent = config.user_agent;
        engine.trust = Trust::Ask(Arc::new(trust::Adapter(trust)));
        let tokens = Tokens::new(tokens);
        let engine = Engine::open(engine, tokens.clone(), Some(Arc::new(jvm::attach_thread)))?;
        Ok(Arc::new(Self { engine, tokens }))
    }

    /// Opens a room. The listener first hears the timeline as it is cached, started or not. A room
    /// has one listener: opening it again stops the job and detaches the listener of before.
    ///
    /// # Errors
    /// `InvalidRoom` or `Closed`.
    pub fn room(&self, room_id: i64, listener: Arc<dyn RoomListener>) -> Result<Arc<RoomCore>, CoreError> {
        let id = RoomId::new(room_id).map_err(|_| CoreError::InvalidRoom)?;
        Ok(RoomCore::new(self.engine.room(id, room::adapter(listener))?))
    }

    /// Opens the list of the user's rooms. The listener first hears it as it is cached. There is one
    /// listener, as there is for a room.
    ///
    /// # Errors
    /// `Closed`.
    pub fn rooms(&self, listener: Arc<dyn RoomListListener>) -> Result<Arc<RoomListCore>, CoreError> {
        Ok(RoomListCore::new(self.engine.rooms(rooms::adapter(listener))?))
    }

    /// A push message tells of something new in a room: polls it now, or, when its job does not run,
    /// brings its cache up to date once. Returns at once.
    ///
    /// # Errors
    /// `InvalidRoom` or `Closed`.
    pub fn wake(&self, room_id: i64) -> Result<(), CoreError> {
        Ok(self.engine.wake(RoomId::new(room_id).map_err(|_| CoreError::InvalidRoom)?)?)
    }

    /// The network is back: what runs polls now, and everything unsent is tried again. Returns at once.
    pub fn network_back(&self) {
        self.engine.network_back();
    }

    /// Has a listener hear of the session's end, once, and of the next one's beginning.
    pub fn watch_session(&self, listener: Arc<dyn SessionListener>) {
        self.engine.watch_session(Arc::new(session::Adapter(listener)));
    }

    /// Answers [`TokenSource::on_token_wanted`]; `null` for "none now, ask again later".
    pub fn supply_token(&self, request: u64, token: Option<String>) {
        self.tokens.supply(request, token);
    }

    /// The user has logged in again after `SessionEnded`: sends what is unsent, and goes on with what was
    /// running when the session ended.
    pub fn resume_session(&self) {
        self.engine.resume_session();
    }

    /// Stops every room, ends the threads and closes the cache. Any number of times, from any
    /// thread; waits a moment, so not on the main thread.
    pub fn shutdown(&self) {
        self.engine.close();
    }

    /// The user logs out: shuts down, and deletes the account's cache with what is unsent in it. As
    /// `shutdown` otherwise.
    ///
    /// # Errors
    /// `Storage` when a file would not go.
    pub fn wipe(&self) -> Result<(), CoreError> {
        Ok(self.engine.wipe()?)
    }
}
