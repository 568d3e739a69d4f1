//! One room with listeners: who they are, how far they are, and the task that brings them what changes.
//!
//! # The cursor
//! While anybody is *attached*, the room has a cursor: every attached listener has, or has in its queue,
//! everything up to there. A flush reads what lies beyond it once, hands it to all of them, and moves it.
//! A listener *joins* first: it has a place and reads what it has missed for itself. It attaches once it
//! has read up to the room's cursor or beyond; beyond it, the next flush leaves out what it has.
//!
//! # Who is out
//! Membership is read in the same transaction as the changes. `removals` is the lowest count under which
//! somebody attached was last seen in the room; a flush that reads another one looks at everybody, those
//! who are still joining too. So nothing that was said after a removal reaches who was removed, however
//! late the notice of it comes.

use super::batching::{Batching, Departures};
use super::listener::Listener;
use super::rendering::Batch;
use crate::metrics::{Delivered, Metrics, Since};
use crate::store::{Changed, Changes, Store, StoreError};
use chat_protocol::{CloseCode, RoomId, Seq, UserId};
use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Until a flush is tried again after the store was busy: long enough for its queue to empty. It doubles each time.
const RETRY: Duration = Duration::from_millis(100);

/// The most it becomes: a database that restarts is not asked by ten thousand rooms ten times a second.
const RETRY_CAP: Duration = Duration::from_secs(2);

pub(super) struct Room {
    pub(super) id: RoomId,
    state: Mutex<State>,
    /// What has changed since the task last looked.
    changes: AtomicU32,
    urgent: AtomicBool,
    news: Notify,
    /// The first commit that is to be flushed.
    since: Since,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    listeners: HashMap<u64, Place>,
    attached: usize,
    cursor: Option<Seq>,
    removals: i64,
    /// Something has changed while nobody was attached.
    missed: bool,
    /// Whoever enters is sent away for this reason.
    over: Option<CloseCode>,
    next_key: u64,
}

struct Place {
    listener: Arc<Listener>,
    /// Once attached: the last change that it has.
    seen: Option<Seq>,
}

impl Room {
    pub(super) fn new(id: RoomId, metrics: Arc<Metrics>) -> Self {
        let (changes, urgent, news, since) = Default::default();
        Self { id, state: Mutex::default(), changes, urgent, news, since, metrics }
    }

    /// Of the writer's thread: it takes no lock that a flush may hold.
    pub(super) fn changed(&self, notice: &Changed) {
        self.since.now();
        self.changes.fetch_add(notice.changes, Ordering::Relaxed);
        self.urgent.fetch_or(notice.urgent, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// Takes a place, from which it may later attach.
    pub(super) fn enter(&self, listener: Arc<Listener>) -> u64 {
        let mut state = self.lock();
        let key = state.next_key;
        state.next_key += 1;
        if let Some(why) = state.over {
            listener.end(why);
        }
        state.listeners.insert(key, Place { listener, seen: None });
        key
    }

    pub(super) fn leave(&self, key: u64) {
        let mut state = self.lock();
        let place = state.listeners.remove(&key);
        state.attached -= usize::from(place.is_some_and(|place| place.seen.is_some()));
    }

    /// Sends everybody away, and whoever is still to enter; the task ends.
    pub(super) fn close(&self, why: CloseCode) {
        self.lock().over.get_or_insert(why);
        self.end_all(why);
        self.news.notify_one();
    }

    /// Attaches who has everything up to `seen`, as was read when the room counted `removals`. Returns
    /// whether that is far enough; if not, there is more to read in the store by now.
    pub(super) fn attach(&self, key: u64, seen: Seq, removals: i64) -> bool {
        let mut state = self.lock();
        let first = state.attached == 0;
        if !first && state.cursor.is_some_and(|cursor| seen < cursor) {
            return false;
        }
        let Some(place) = state.listeners.get_mut(&key) else { return true };
        place.seen = Some(seen);
        state.attached += 1;
        let missed = mem::take(&mut state.missed) || (!first && removals < state.removals);
        if first {
            (state.cursor, state.removals) = (Some(seen), removals);
        }
        state.removals = state.removals.min(removals);
        if missed {
            self.changed(&Changed { room: self.id, changes: 0, urgent: true });
        }
        true
    }

    fn end_all(&self, why: CloseCode) {
        self.lock().end_if(why, |_| true);
    }

    /// Brings the listeners what changes, until the room is closed.
    pub(super) async fn run(self: Arc<Self>, store: Store, batching: Batching) {
        // However this ends, nobody is left waiting for what nobody will bring.
        let _end = Closing(&self);
        let mut departures = Departures::new(batching, Instant::now());
        let mut retry = RETRY;
        loop {
            tokio::select! {
                () = self.news.notified() => {
                    if self.lock().over.is_some() {
                        return;
                    }
                    let changes = self.changes.swap(0, Ordering::Relaxed);
                    let urgent = self.urgent.swap(false, Ordering::Relaxed);
                    let attached = self.lock().attached;
                    departures.arrived(Instant::now(), changes, urgent, attached);
                }
                () = until(departures.due()) => {}
            }
            if departures.due().is_some_and(|due| due <= Instant::now()) {
                departures.left();
                match self.flush(&store).await {
                    Ok(()) => retry = RETRY,
                    Err(StoreError::Busy(_)) => {
                        departures.again(Instant::now() + retry.mul_f64(0.5 + fastrand::f64() / 2.0));
                        retry = (retry * 2).min(RETRY_CAP);
                    }
                    Err(StoreError::RoomNotFound) => self.end_all(CloseCode::RoomGone),
                    Err(StoreError::CursorAhead { newest }) => {
                        // A standby took over that lacked the last commits, or a backup was restored. Who comes
                        // back with such a cursor is told.
                        tracing::warn!(room = %self.id, %newest, "the room was set back; its listeners are sent away");
                        self.end_all(CloseCode::GoingAway);
                    }
                    Err(error) => {
                        tracing::error!(%error, "listeners of a room are sent away");
                        self.end_all(CloseCode::Internal);
                    }
                }
            }
        }
    }

    async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        // What is committed from here on may or may not be read; it has a time of its own.
        let since = self.since.take();
        loop {
            let position = self.lock().position();
            let Some((after, removals)) = position else { return Ok(()) };
            let changes =
                store.changes(self.id, after, removals).await.inspect_err(|_| self.since.put_back(&since))?;
            let (messages, more) = (changes.messages.len(), changes.has_more);
            let delivered = self.lock().deliver(changes, after);
            if let Some(delivered) = &delivered {
                self.metrics.fanout.delivered(messages, delivered, since.elapsed());
            }
            if delivered.is_some() && !more {
                return Ok(());
            }
        }
    }

    // A panic while the lock was held leaves a listener that is behind, which its next batch shows.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Closing<'a>(&'a Room);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close(CloseCode::GoingAway);
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl State {
    /// From where the next flush reads; `None` when nobody would hear of it.
    fn position(&mut self) -> Option<(Seq, i64)> {
        self.missed |= self.attached == 0;
        self.cursor.filter(|_| self.attached > 0).map(|cursor| (cursor, self.removals))
    }

    /// Returns to whom, if it could: everybody may have left meanwhile, and others come, who are at another
    /// place.
    fn deliver(&mut self, changes: Changes, after: Seq) -> Option<Delivered> {
        if self.attached == 0 || self.cursor != Some(after) {
            return None;
        }
        let mut delivered = Delivered::default();
        if let Some(members) = changes.members {
            self.removals = changes.removals;
            self.end_if(CloseCode::NotAMember, |user| !members.contains(user));
        }
        self.cursor = Some(changes.cursor);
        if changes.messages.is_empty() {
            return Some(delivered);
        }
        let batch = Batch::new(changes.messages, after, changes.cursor, changes.has_more);
        let behind = |place: &&mut Place| place.seen.is_some_and(|seen| seen < batch.cursor);
        let pages = |place: &Place| place.listener.rendering.is_page();
        let company = self.listeners.values_mut().filter(|place| behind(place) && pages(place)).count();
        for place in self.listeners.values_mut().filter(behind) {
            let (listener, seen) = (&place.listener, place.seen.unwrap_or(after));
            let bytes = batch.for_listener(&listener.user, listener.rendering, seen);
            let taken = listener.push(bytes, company);
            delivered.one(listener.rendering, taken);
            let served = taken && !listener.rendering.is_page();
            place.seen = Some(batch.cursor).filter(|_| served);
            self.attached -= usize::from(!served);
        }
        Some(delivered)
    }

    fn end_if(&mut self, why: CloseCode, out: impl Fn(&UserId) -> bool) {
        for place in self.listeners.values_mut().filter(|place| out(&place.listener.user)) {
            place.listener.end(why);
            self.attached -= usize::from(place.seen.take().is_some());
        }
    }
}

#[cfg(test)]
mod tests;
