//! One listener's share of a room: what waits for it, and the gate that `stop` closes.
//!
//! The poller and the outbox put changes in while they hold the cache's lock, so the queue is in
//! commit order; one task takes them out and calls the listener, so calls never overlap. Neither
//! side waits for the other: a queue that has grown too long is dropped for a snapshot.

use super::{ItemKey, ListenerFailed, RoomListener, TimelineItem, TimelineUpdate};
use crate::EngineError;
use crate::cache::{self, Cache};
use crate::poller::ConnectionState;
use chat_protocol::{MessageId, RoomId, UserId};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Items in a first snapshot: a few dozen screens.
const FIRST_SNAPSHOT: usize = 500;

/// Items in a later one, which reaches back to where the first began, so that a list never shrinks
/// under its reader; up to here, where a list is no longer what anybody scrolls through.
const LATER_SNAPSHOT: usize = 10_000;

/// Items waiting before a snapshot is the better answer. Four full pages: a listener that far
/// behind would rather have one list than as many diffs.
const QUEUE: usize = 2_000;

/// After a listener, or the cache, has failed. Long enough not to spin, short enough not to be noticed twice.
const RETRY: Duration = Duration::from_secs(1);

/// See the module's documentation.
pub(crate) struct Feed {
    room: RoomId,
    me: UserId,
    cache: Arc<Cache>,
    listener: Arc<dyn RoomListener>,
    state: Mutex<State>,
    ready: Notify,
}

struct State {
    /// Whether the listener may be called. Closed by stop, opened by start.
    open: bool,
    /// The listener goes for good.
    detached: bool,
    stale: bool,
    upserted: HashMap<ItemKey, TimelineItem>,
    removed: Vec<ItemKey>,
    /// The oldest message the listener has, once it has any; a change to an older one is not for it.
    from: Option<i64>,
    connection: Option<ConnectionState>,
}

enum Work {
    Timeline(TimelineUpdate),
    Snapshot,
    Connection(ConnectionState),
}

impl Feed {
    pub(crate) fn new(
        room: RoomId,
        me: UserId,
        cache: Arc<Cache>,
        listener: Arc<dyn RoomListener>,
    ) -> Arc<Self> {
        let state = State {
            open: true,
            detached: false,
            stale: true,
            upserted: HashMap::new(),
            removed: Vec::new(),
            from: None,
            connection: None,
        };
        Arc::new(Self { room, me, cache, listener, state: Mutex::new(state), ready: Notify::new() })
    }

    /// Calls the listener until it is detached. The one task that does.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            match self.take() {
                None if self.state().detached => return,
                None => self.ready.notified().await,
                Some(work) => {
                    // A listener that panics is one that failed.
                    let told = catch_unwind(AssertUnwindSafe(|| self.deliver(work)));
                    if !matches!(told, Ok(Ok(()))) {
                        log::error!(
                            "room {}: the listener failed, or the cache; again in {RETRY:?}",
                            self.room
                        );
                        self.refresh();
                        sleep(RETRY).await;
                    }
                }
            }
        }
    }

    /// A committed change. Called with the cache's lock held.
    pub(crate) fn push(&self, update: TimelineUpdate) {
        let TimelineUpdate::Diff { upserted, removed } = update else { return self.refresh() };
        if upserted.is_empty() && removed.is_empty() {
            return;
        }
        let mut state = self.state();
        if state.detached || state.stale {
            return; // the snapshot to come has it
        }
        if state.upserted.len() + upserted.len() > QUEUE {
            state.make_stale();
        } else {
            for key in removed {
                state.upserted.remove(&key);
                state.removed.push(key);
            }
            // In id order, so the first one is where an empty list begins.
            for item in upserted {
                if let Some(id) = item.id
                    && id.get() < *state.from.get_or_insert(id.get())
                {
                    continue;
                }
                state.upserted.insert(item.key, item);
            }
        }
        drop(state);
        self.ready.notify_one();
    }

    /// The job's newest state.
    pub(crate) fn set_connection(&self, connection: ConnectionState) {
        self.state().connection = Some(connection);
        self.ready.notify_one();
    }

    /// Has the listener get a snapshot next.
    fn refresh(&self) {
        self.state().make_stale();
        self.ready.notify_one();
    }

    /// Lets calls through, beginning with a snapshot if the gate was closed.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        if !state.open && !state.detached {
            state.open = true;
            state.connection = None; // the last word of the job before
            state.make_stale();
        }
        drop(state);
        self.ready.notify_one();
    }

    /// Begins no call any more until [`Feed::open`].
    pub(crate) fn shut(&self) {
        let mut state = self.state();
        state.open = false;
        state.connection = None;
    }

    /// Begins no call ever again.
    pub(crate) fn detach(&self) {
        self.shut();
        self.state().detached = true;
        self.ready.notify_one();
    }

    fn take(&self) -> Option<Work> {
        let mut state = self.state();
        if !state.open || state.detached {
            return None;
        }
        if state.stale {
            return Some(Work::Snapshot);
        }
        if !state.upserted.is_empty() || !state.removed.is_empty() {
            let mut upserted: Vec<_> = std::mem::take(&mut state.upserted).into_values().collect();
            upserted.sort_by_key(|item| (item.id.is_none(), item.id, std::cmp::Reverse(item.key)));
            let removed = std::mem::take(&mut state.removed);
            return Some(Work::Timeline(TimelineUpdate::Diff { upserted, removed }));
        }
        state.connection.take().map(Work::Connection)
    }

    fn deliver(&self, work: Work) -> Result<(), ListenerFailed> {
        let work = match work {
            Work::Snapshot => match self.snapshot() {
                Ok(update) => Work::Timeline(update),
                Err(EngineError::Closed) => {
                    self.detach(); // there is nothing more to tell
                    return Ok(());
                }
                Err(error) => {
                    log::error!("room {}: reading the timeline: {error}", self.room);
                    return Err(ListenerFailed);
                }
            },
            other => other,
        };
        // Once more, right before the call: reading took a moment, and stop may have come.
        if !self.state().open {
            return Ok(());
        }
        match work {
            Work::Timeline(update) => self.listener.on_timeline(update),
            Work::Connection(state) => {
                // A state that was not heard is soon another; no snapshot would bring it.
                let _ = self.listener.on_connection(state);
                Ok(())
            }
            Work::Snapshot => Ok(()),
        }
    }

    /// Reads the timeline. No commit can fall between the reading and the end of being stale, so
    /// whatever is committed later is pushed as a diff: nothing lands in between and is lost.
    fn snapshot(&self) -> Result<TimelineUpdate, EngineError> {
        self.cache.read(|connection| {
            let (from, limit) = match self.state().from {
                None => (0, FIRST_SNAPSHOT),
                Some(from) => (from, LATER_SNAPSHOT),
            };
            let (mut items, has_older) = cache::newest(connection, self.room, &self.me, from, limit)?;
            let from = items.first().and_then(|item| item.id).map(MessageId::get);
            items.extend(cache::unsent(connection, self.room, &self.me)?);
            let mut state = self.state();
            state.stale = false;
            state.from = from;
            Ok(TimelineUpdate::Snapshot { items, has_older })
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_stale(&mut self) {
        self.stale = true;
        self.upserted.clear();
        self.removed.clear();
    }
}

#[cfg(test)]
mod tests;
