//! The list of rooms: its lines, and its listener's share of them.
//!
//! Rooms are few beside messages, so the list is told whole. Whatever may have changed it makes it
//! stale; one task reads it anew and tells it if it is another.

use super::{Detach, ListenerFailed, RoomListListener};
use crate::EngineError;
use crate::cache::{self, Cache};
use crate::poller::ConnectionState;
use chat_protocol::{Message, MessageId, RoomId, Timestamp, UserId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// One room of the list.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomListItem {
    /// Which room.
    pub id: RoomId,
    /// Its title.
    pub title: String,
    /// Its newest message, if it has any.
    pub last_message: Option<LastMessage>,
    /// Messages of others beyond the read marker.
    pub unread: u64,
}

/// The newest message of a room.
#[derive(Clone, PartialEq, Eq)]
pub struct LastMessage {
    /// Its place in the room.
    pub id: MessageId,
    /// Who wrote it.
    pub sender: UserId,
    /// Whether that is this account.
    pub own: bool,
    /// What it says, or how it begins when it is long; empty when deleted.
    pub text: String,
    /// By the server's clock.
    pub sent_at: Timestamp,
    /// Whether only its tombstone is left.
    pub deleted: bool,
}

impl RoomListItem {
    pub(crate) fn new(
        id: RoomId,
        title: String,
        last_message: Option<Message>,
        unread: i64,
        me: &UserId,
    ) -> Self {
        let last_message = last_message.map(|m| LastMessage {
            id: m.id,
            own: m.sender == *me,
            sender: m.sender,
            text: m.text,
            sent_at: m.sent_at,
            deleted: m.deleted,
        });
        Self { id, title, last_message, unread: u64::try_from(unread).unwrap_or(0) }
    }

    pub(crate) fn last_sent_at(&self) -> Option<Timestamp> {
        self.last_message.as_ref().map(|m| m.sent_at)
    }
}

/// Everything but title and text, which belong in no log.
impl std::fmt::Debug for RoomListItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = self.last_message.as_ref().map(|m| m.id.get());
        write!(f, "RoomListItem {{ id: {}, last: {last:?}, unread: {} }}", self.id, self.unread)
    }
}

/// After the listener, or the cache, has failed.
const RETRY: Duration = Duration::from_secs(1);

/// A listener's share of the list.
pub(crate) struct RoomListFeed {
    me: UserId,
    cache: Arc<Cache>,
    listener: Arc<dyn RoomListListener>,
    state: Mutex<State>,
    ready: Notify,
}

struct State {
    open: bool,
    detached: bool,
    stale: bool,
    told: Option<Vec<RoomListItem>>,
    connection: Option<ConnectionState>,
}

impl RoomListFeed {
    pub(crate) fn new(me: UserId, cache: Arc<Cache>, listener: Arc<dyn RoomListListener>) -> Arc<Self> {
        let state = State { open: true, detached: false, stale: true, told: None, connection: None };
        Arc::new(Self { me, cache, listener, state: Mutex::new(state), ready: Notify::new() })
    }

    /// Calls the listener until it is detached. The one task that does.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let told = catch_unwind(AssertUnwindSafe(|| self.tell_one()));
            match told {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) if self.state().detached => return,
                Ok(Ok(false)) => self.ready.notified().await,
                Ok(Err(EngineError::Closed)) => return,
                _ => {
                    log::error!("the rooms' listener failed, or the cache; again in {RETRY:?}");
                    self.refresh();
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Makes one call, if there is one to make.
    fn tell_one(&self) -> Result<bool, EngineError> {
        let failed = |ListenerFailed| EngineError::Storage("listener".into());
        let (stale, connection) = {
            let mut state = self.state();
            if !state.open || state.detached {
                return Ok(false);
            }
            let stale = std::mem::replace(&mut state.stale, false);
            (stale, if stale { None } else { state.connection.take() })
        };
        if stale {
            let rooms = self.cache.read(|c| cache::list(c, &self.me))?;
            let mut state = self.state();
            if state.open && state.told.as_ref() != Some(&rooms) {
                state.told = Some(rooms.clone());
                drop(state);
                let told = self.listener.on_rooms(rooms);
                if told.is_err() {
                    self.state().told = None;
                }
                told.map_err(failed)?;
            }
            return Ok(true);
        }
        let Some(connection) = connection else { return Ok(false) };
        // A state that was not heard is soon another.
        let _ = self.listener.on_connection(connection);
        Ok(true)
    }

    pub(crate) fn set_connection(&self, connection: ConnectionState) {
        self.state().connection = Some(connection);
        self.ready.notify_one();
    }

    /// Something that the list shows may have changed.
    pub(crate) fn refresh(&self) {
        self.state().stale = true;
        self.ready.notify_one();
    }

    pub(crate) fn open(&self) {
        let mut state = self.state();
        if !state.open && !state.detached {
            state.open = true;
            state.connection = None;
            state.stale = true;
        }
        drop(state);
        self.ready.notify_one();
    }

    pub(crate) fn shut(&self) {
        let mut state = self.state();
        state.open = false;
        state.connection = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Detach for RoomListFeed {
    fn detach(&self) {
        self.shut();
        self.state().detached = true;
        self.ready.notify_one();
    }
}
