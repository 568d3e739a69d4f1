//! One listener's share of a room: what waits for it, and the gate that `stop` closes.
//!
//! The poller and the outbox put changes in while they hold the cache's lock, so the queue is in
//! commit order; one task takes them out and calls the listener, so calls never overlap. Neither
//! side waits for the other: a queue that has grown too long is dropped for a snapshot.

use super::history::{Extended, OLDER};
use super::{
    Change, Detach, ItemKey, ListenerFailed, RoomListener, RoomStatus, TimelineItem, TimelineUpdate,
};
use crate::EngineError;
use crate::cache::{self, Cache, Reach};
use crate::poller::ConnectionState;
use chat_protocol::{MessageId, RoomId, UserId};
use rusqlite::Connection;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Items in a first snapshot: a few dozen screens.
const FIRST_SNAPSHOT: usize = 500;

/// Messages in a later one, which reaches back to where the list begins, so that it never shrinks under
/// its reader; up to here, beyond which it is begun anew at the newest ones.
const LATER_SNAPSHOT: i64 = 10_000;

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
    /// How many messages the reader has asked for beyond those: a list that long is scrolled through.
    scrolled: i64,
    /// How far the room is known and read, if that has changed since the listener was told.
    reach: Option<Reach>,
    status: RoomStatus,
    connection: Option<ConnectionState>,
    /// To be called once everything so far is told.
    then: Vec<Then>,
}

type Then = Box<dyn FnOnce() + Send>;

enum Work {
    Timeline(TimelineUpdate),
    Snapshot,
    Connection(ConnectionState),
    Then(Then),
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
            scrolled: 0,
            reach: None,
            status: RoomStatus::default(),
            connection: None,
            then: Vec::new(),
        };
        Arc::new(Self { room, me, cache, listener, state: Mutex::new(state), ready: Notify::new() })
    }

    /// Calls the listener until it is detached. The one task that does.
    pub(crate) async fn run(self: Arc<Self>) {
        let _answered = AnswerAll(self.clone());
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
    pub(crate) fn push(&self, change: Change) {
        let mut state = self.state();
        if state.detached || state.stale {
            return; // the snapshot to come has it
        }
        let Change { upserted, removed, reach, .. } = change;
        if state.upserted.len() + upserted.len() > QUEUE {
            state.make_stale();
        } else {
            for key in removed {
                state.upserted.remove(&key);
                state.removed.push(key);
            }
            let mut newest = 0;
            let empty = state.from.is_none();
            // In id order, so the first one is where an empty list begins.
            for item in upserted {
                if let Some(id) = item.id
                    && id.get() < *state.from.get_or_insert(id.get())
                {
                    // Unless it was on screen as what was sent: that has become one of those before the list.
                    if item.key.outbox_key().is_some() {
                        state.upserted.remove(&item.key);
                        state.removed.push(item.key);
                    }
                    continue;
                }
                newest = newest.max(item.id.map_or(0, MessageId::get));
                state.upserted.insert(item.key, item);
            }
            state.reach = reach.or(state.reach);
            if empty && state.from.is_some() && state.reach.is_none() {
                state.make_stale(); // a list that begins says what lies before it
            }
            if state.from.is_some_and(|from| newest - from > 2 * LATER_SNAPSHOT + state.scrolled) {
                state.make_stale(); // a list that nobody scrolls through; begun anew
            }
        }
        drop(state);
        self.ready.notify_one();
    }

    /// Puts the next older messages out of the cache before those that the listener has. Called with
    /// the cache's lock held, so that no change can fall between the reading and the telling.
    pub(super) fn extend(&self, connection: &Connection) -> Result<Extended, EngineError> {
        let Some(reach) = cache::reach(connection, self.room)? else { return Ok(Extended::NotKnown) };
        // Before the first snapshot was told: what is asked for is the newest, then.
        let from = self.state().from.unwrap_or(i64::MAX);
        let items = cache::newest(connection, self.room, &self.me, reach.floor..from, OLDER)?;
        let Some(first) = items.first().and_then(|item| item.id) else {
            return Ok(match MessageId::new(reach.floor) {
                Ok(before) if reach.has_older => Extended::AskFor { before },
                _ => Extended::AtTheEnd,
            });
        };
        let mut state = self.state();
        state.from = Some(first.get());
        state.scrolled += items.len() as i64;
        if !state.stale {
            state.upserted.extend(items.into_iter().map(|item| (item.key, item)));
            state.reach = Some(reach);
        }
        drop(state);
        self.ready.notify_one();
        Ok(Extended::Shown { has_older: reach.has_older || reach.floor < first.get() })
    }

    /// Calls `then` once the listener has been told everything so far; at once, if it is told nothing.
    pub(super) fn then(&self, then: Then) {
        let mut state = self.state();
        if state.detached {
            drop(state);
            return then();
        }
        state.then.push(then);
        drop(state);
        self.ready.notify_one();
    }

    /// The job's newest state.
    pub(crate) fn set_connection(&self, connection: ConnectionState) {
        self.state().connection = Some(connection);
        self.ready.notify_one();
    }

    /// Has the listener get a snapshot next.
    pub(crate) fn refresh(&self) {
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

    fn take(&self) -> Option<Work> {
        let mut state = self.state();
        if !state.open || state.detached {
            return state.then.pop().map(Work::Then);
        }
        if state.stale {
            return Some(Work::Snapshot);
        }
        if let Some(reach) = state.reach.take() {
            let status = status(&reach, state.from);
            if std::mem::replace(&mut state.status, status) != status
                && state.upserted.is_empty()
                && state.removed.is_empty()
            {
                return Some(Work::Timeline(TimelineUpdate::Diff {
                    upserted: Vec::new(),
                    removed: Vec::new(),
                    status,
                }));
            }
        }
        if !state.upserted.is_empty() || !state.removed.is_empty() {
            let mut upserted: Vec<_> = std::mem::take(&mut state.upserted).into_values().collect();
            upserted.sort_by_key(|item| (item.id.is_none(), item.id, std::cmp::Reverse(item.key)));
            let removed = std::mem::take(&mut state.removed);
            return Some(Work::Timeline(TimelineUpdate::Diff { upserted, removed, status: state.status }));
        }
        let then = state.then.pop().map(Work::Then);
        then.or_else(|| state.connection.take().map(Work::Connection))
    }

    fn deliver(&self, work: Work) -> Result<(), ListenerFailed> {
        let work = match work {
            Work::Then(then) => {
                then();
                return Ok(());
            }
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
            Work::Snapshot | Work::Then(_) => Ok(()),
        }
    }

    /// Reads the timeline. No commit can fall between the reading and the end of being stale, so
    /// whatever is committed later is pushed as a diff: nothing lands in between and is lost.
    fn snapshot(&self) -> Result<TimelineUpdate, EngineError> {
        self.cache.read(|connection| {
            let reach = cache::reach(connection, self.room)?;
            let (from, scrolled) = {
                let state = self.state();
                (state.from, state.scrolled)
            };
            let (from, limit) = match (from, reach) {
                (Some(from), Some(reach)) => {
                    let from = from.max(reach.floor);
                    match cache::newest_id(connection, self.room)? - from < LATER_SNAPSHOT + scrolled {
                        true => (from, usize::MAX >> 1),
                        false => (reach.floor, FIRST_SNAPSHOT),
                    }
                }
                (_, reach) => (reach.map_or(0, |reach| reach.floor), FIRST_SNAPSHOT),
            };
            let mut items = match reach {
                Some(_) => cache::newest(connection, self.room, &self.me, from..i64::MAX, limit)?,
                None => Vec::new(),
            };
            let from = items.first().and_then(|item| item.id).map(MessageId::get);
            items.extend(cache::unsent(connection, self.room, &self.me)?);
            let mut state = self.state();
            state.stale = false;
            if limit == FIRST_SNAPSHOT {
                state.scrolled = 0;
            }
            state.from = from;
            state.reach = None;
            state.status = reach.map(|reach| status(&reach, from)).unwrap_or_default();
            Ok(TimelineUpdate::Snapshot { items, status: state.status })
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However the task ends, nobody who waits for it is left without an answer.
struct AnswerAll(Arc<Feed>);

impl Drop for AnswerAll {
    fn drop(&mut self) {
        let waiting = std::mem::take(&mut self.0.state().then);
        drop(waiting); // which answers
    }
}

impl Detach for Feed {
    fn detach(&self) {
        self.shut();
        self.state().detached = true;
        self.ready.notify_one();
    }
}

/// A room as the screen that has it from `from` on is to show it.
fn status(reach: &Reach, from: Option<i64>) -> RoomStatus {
    RoomStatus {
        has_older: reach.has_older || from.is_some_and(|from| reach.floor < from),
        read_marker: MessageId::new(reach.read_marker).ok(),
        unread: u64::try_from(reach.unread).unwrap_or(0),
    }
}

impl State {
    fn make_stale(&mut self) {
        self.stale = true;
        self.reach = None;
        self.upserted.clear();
        self.removed.clear();
    }
}

#[cfg(test)]
mod tests;
