//! A listener that counts: what an app does with the items is not the engine's to account for.

use anyhow::{Result, ensure};
use chat_engine::{ConnectionState, ListenerFailed, RoomListener, TimelineUpdate};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No figure takes this long; a hang must not.
const DEADLINE: Duration = Duration::from_secs(120);

/// What was heard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// The message up to which nothing is missing any more.
    pub(crate) whole_to: i64,
    pub(crate) rows: usize,
    pub(crate) updates: usize,
    /// Snapshots among the updates.
    pub(crate) snapshots: usize,
    /// Items in the last update, and when it came.
    pub(crate) last: usize,
    pub(crate) at: Option<Instant>,
    pub(crate) connection: Option<ConnectionState>,
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Ear {
    heard: Mutex<Heard>,
    changed: Condvar,
}

impl Ear {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    pub(crate) fn until(&self, enough: impl Fn(&Heard) -> bool) -> Result<()> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (heard, timeout) = self
            .changed
            .wait_timeout_while(heard, DEADLINE, |heard| !enough(heard))
            .unwrap_or_else(PoisonError::into_inner);
        ensure!(!timeout.timed_out(), "waited in vain; heard so far: {heard:?}");
        Ok(())
    }
}

impl RoomListener for Ear {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        let at = Instant::now();
        let (items, snapshot) = match update {
            TimelineUpdate::Snapshot { items, .. } => (items, true),
            TimelineUpdate::Diff { upserted, .. } => (upserted, false),
        };
        // Ids are dense: what lies between two that are not neighbours is still to come.
        let mut ids = items.iter().filter_map(|item| item.id).map(|id| id.get());
        let first = ids.next();
        let (last, dense) =
            ids.fold((first.unwrap_or(0), true), |(last, dense), id| (id, dense && id == last + 1));
        self.hear(|heard| {
            if dense && (snapshot || first.is_some_and(|first| first <= heard.whole_to + 1)) {
                heard.whole_to = last;
            }
            heard.rows += items.len();
            heard.updates += 1;
            heard.snapshots += usize::from(snapshot);
            heard.last = items.len();
            heard.at = Some(at);
        });
        Ok(())
    }

    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerFailed> {
        self.hear(|heard| heard.connection = Some(state));
        Ok(())
    }
}
