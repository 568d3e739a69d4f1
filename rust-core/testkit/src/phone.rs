//! A phone: an engine with a cache of its own, and one room on its screen.

use crate::{RecordingListener, config};
use chat_engine::{Engine, EngineConfig, Room, StaticToken, Token};
use chat_protocol::RoomId;
use std::sync::Arc;

/// Alice's phone. Its cache goes with it.
pub struct Phone {
    /// The room, not started yet.
    pub room: Room,
    /// What the screen has heard.
    pub listener: Arc<RecordingListener>,
    /// The engine.
    pub engine: Engine,
    /// Where the cache is.
    pub folder: tempfile::TempDir,
}

impl Phone {
    /// Opens `room` of the server at `url`.
    pub fn open(url: &str, token: &str, room: RoomId) -> Self {
        Self::with(url, token, room, |_| {})
    }

    /// The same with a configuration of the test's own.
    pub fn with(url: &str, token: &str, room: RoomId, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(url, folder.path());
        change(&mut config);
        let engine = Engine::open(config, Arc::new(StaticToken(Token::new(token))), None).unwrap();
        let listener = RecordingListener::new();
        let room = engine.room(room, listener.clone()).unwrap();
        Self { room, listener, engine, folder }
    }
}
