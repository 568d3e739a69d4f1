//! A listener that remembers.

use chat_engine::repository::Timeline;
use chat_engine::{
    ConnectionState, ListenerFailed, RoomListItem, RoomListListener, RoomListener, TimelineUpdate,
};
use std::sync::{Arc, Mutex};

/// Remembers every call, and keeps the timeline they add up to.
#[derive(Default)]
pub struct RecordingListener {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    updates: Vec<TimelineUpdate>,
    connections: Vec<ConnectionState>,
    timeline: Timeline,
}

impl RecordingListener {
    /// One that has heard nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Calls heard so far, of either kind.
    pub fn calls(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.updates.len() + state.connections.len()
    }

    /// Every timeline update so far.
    pub fn updates(&self) -> Vec<TimelineUpdate> {
        self.state.lock().unwrap().updates.clone()
    }

    /// Every connection state so far.
    pub fn connections(&self) -> Vec<ConnectionState> {
        self.state.lock().unwrap().connections.clone()
    }

    /// The newest connection state.
    pub fn connection(&self) -> Option<ConnectionState> {
        self.state.lock().unwrap().connections.last().cloned()
    }

    /// What the screen would show.
    pub fn timeline(&self) -> Timeline {
        self.state.lock().unwrap().timeline.clone()
    }

    /// Whether the screen shows nothing as if nothing were missing that is.
    pub fn is_whole(&self) -> bool {
        let timeline = self.timeline();
        (0..timeline.items().len()).all(|at| timeline.missing_before(at) == 0)
    }

    /// The texts on screen, oldest first.
    pub fn texts(&self) -> Vec<String> {
        self.state.lock().unwrap().timeline.items().iter().map(|item| item.text.clone()).collect()
    }

    /// The ids on screen, oldest first; 0 for what has none yet.
    pub fn ids(&self) -> Vec<i64> {
        self.state
            .lock()
            .unwrap()
            .timeline
            .items()
            .iter()
            .map(|item| item.id.map_or(0, |id| id.get()))
            .collect()
    }
}

/// Remembers the lists it was told.
#[derive(Default)]
pub struct RecordingRoomList {
    told: Mutex<Vec<Vec<RoomListItem>>>,
    connections: Mutex<Vec<ConnectionState>>,
}

impl RecordingRoomList {
    /// One that has heard nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How many lists were told.
    pub fn told(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// The list on screen.
    pub fn rooms(&self) -> Vec<RoomListItem> {
        self.told.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// Every connection state so far.
    pub fn connections(&self) -> Vec<ConnectionState> {
        self.connections.lock().unwrap().clone()
    }
}

impl RoomListListener for RecordingRoomList {
    fn on_rooms(&self, rooms: Vec<RoomListItem>) -> Result<(), ListenerFailed> {
        self.told.lock().unwrap().push(rooms);
        Ok(())
    }

    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerFailed> {
        self.connections.lock().unwrap().push(state);
        Ok(())
    }
}

impl RoomListener for RecordingListener {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        let mut state = self.state.lock().unwrap();
        state.timeline.apply(update.clone());
        state.updates.push(update);
        Ok(())
    }

    fn on_connection(&self, connection: ConnectionState) -> Result<(), ListenerFailed> {
        self.state.lock().unwrap().connections.push(connection);
        Ok(())
    }
}
