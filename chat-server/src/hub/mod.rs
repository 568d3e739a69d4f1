//! In-process fan-out: brings the changes of a room to everybody who listens to it, whatever the
//! transport.
//!
//! ```text
//! store-writer: commit ─ notice ─▶ Room (one task while anybody listens)
//!                                   │ reads the changes since its cursor, once per flush
//!                                   │ renders them, once per kind of listener
//!                                   ├─▶ queue ─▶ Subscription ─▶ an SSE stream
//!                                   ├─▶ queue ─▶ Subscription ─▶ a WebSocket
//!                                   └─▶ queue ─▶ Subscription ─▶ a long poll
//! ```
//! Other nodes' commits come as notices too, by the bus ([`crate::bus`]).
//!
//! # Invariants
//! - **The store is the truth.** A notice says that a room has changed, nothing else; what, and who may
//!   still see it, is read in one transaction. A notice too many costs a read, and it may come from
//!   another process. One too few is late, not lost: every open room re-reads now and then (`resync`).
//! - **Exact.** A listener gets every change after its cursor once, in order, from wherever it joins
//!   (`room`).
//! - **The room waits for nobody.** Queues are bounded in bytes; who falls behind is sent away to come
//!   back by the cursor (`listener`). So is who has no right any more: the token expired, or the user was
//!   taken out.
//! - **Bounded**: listeners in all, per room, and per user in a room and in all ([`Bounds`]).
//! - The writer's thread takes one short lock per commit and none that a flush holds.

mod batching;
mod listener;
mod rendering;
mod resync;
mod room;
mod subscription;

pub use batching::Batching;
pub use listener::{Direct, Event};
pub use rendering::Rendering;
pub use subscription::Subscription;

use crate::metrics::Metrics;
use crate::store::{Changed, Store, StoreError};
use chat_protocol::{CloseCode, RoomId, Seq, UserId};
use listener::Listener;
use room::Room;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many may listen, and how far behind.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// In all.
    pub listeners: usize,
    /// In one room.
    pub per_room: usize,
    /// By one user in one room.
    pub per_user: u32,
    /// By one user in all rooms.
    pub per_user_in_all: u32,
    /// Bytes that wait for one listener.
    pub backlog: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            // Leaves a fifth of the 20,000 connections to everybody who asks, sends and polls.
            listeners: 16_000,
            // One message to as many is 70 ms of a core.
            per_room: 10_000,
            // A few devices and tabs, each with a connection or two that its network has forgotten.
            per_user: 16,
            // As many devices, each with 30 rooms open, on half of which the same holds: more than anybody
            // has. One user alone could otherwise make rooms until nobody else finds a place.
            per_user_in_all: 256,
            // Some 300 messages on top of what the kernel holds: minutes of a lively room.
            backlog: 64 << 10,
        }
    }
}

/// Who wants to listen, and to what.
#[derive(Debug, Clone)]
pub struct Join {
    /// To which room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When the token is no longer good.
    pub expires: Instant,
    /// The last change seen.
    pub after: Seq,
    /// How it is to be written.
    pub rendering: Rendering,
}

/// Why somebody may not listen.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// What reading would be refused for as well.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No place is left: in all, or in the room.
    #[error("too many listeners")]
    Full,
    /// The user listens too often already: to this room, or in all.
    #[error("too many listeners of this user")]
    TooManyOfUser,
    /// The server stops.
    #[error("the server stops")]
    Closing,
}

/// The rooms that somebody listens to. Cheap to clone. Holds no [`Store`], so the store may hold it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    bounds: Bounds,
    batching: Batching,
    metrics: Arc<Metrics>,
    rooms: Mutex<Rooms>,
    /// A notice may have been lost.
    resync: Notify,
}

#[derive(Default)]
struct Rooms {
    open: HashMap<RoomId, Open>,
    listeners: usize,
    users: Users,
    closing: bool,
}

/// A room that somebody listens to.
struct Open {
    room: Arc<Room>,
    listeners: usize,
    users: Users,
}

/// How often each of them listens.
#[derive(Default)]
struct Users(HashMap<UserId, u32>);

impl Users {
    fn have(&self, user: &UserId, most: u32) -> bool {
        self.0.get(user).is_some_and(|count| *count >= most)
    }

    fn one_more(&mut self, user: &UserId) {
        *self.0.entry(user.clone()).or_default() += 1;
    }

    fn one_less(&mut self, user: &UserId) {
        match self.0.get_mut(user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.0.remove(user)),
        }
    }
}

impl Hub {
    /// One without listeners.
    pub fn new(bounds: Bounds, batching: Batching, metrics: Arc<Metrics>) -> Self {
        let (rooms, resync) = Default::default();
        Self(Arc::new(Inner { bounds, batching, metrics, rooms, resync }))
    }

    /// Rooms have changed. Cheap where nobody listens.
    pub fn announce(&self, notices: &[Changed]) {
        let rooms = self.lock();
        for notice in notices {
            if let Some(open) = rooms.open.get(&notice.room) {
                open.room.changed(notice);
            }
        }
    }

    /// Takes a place in a room, having read the first page of what was missed. From within the runtime.
    ///
    /// # Errors
    /// [`JoinError`].
    pub async fn join(&self, store: &Store, join: Join) -> Result<Subscription, JoinError> {
        // The place comes first: whoever is taken out of the room from now on is seen to be a listener.
        let room = self.reserve(store, &join)?;
        let listener = Listener::new(join.user, join.rendering, self.0.bounds.backlog);
        let mut subscription = Subscription::new(self.clone(), store.clone(), room, listener, join.expires);
        subscription.catch_up(join.after).await?;
        Ok(subscription)
    }

    /// Counts one more, and opens the room for the first. No lock of the room's is taken while the hub's
    /// is held, so the writer waits for no flush.
    fn reserve(&self, store: &Store, join: &Join) -> Result<Arc<Room>, JoinError> {
        let bounds = self.0.bounds;
        let mut rooms = self.lock();
        if rooms.closing {
            return Err(JoinError::Closing);
        }
        if rooms.listeners >= bounds.listeners {
            return Err(JoinError::Full);
        }
        if rooms.users.have(&join.user, bounds.per_user_in_all) {
            return Err(JoinError::TooManyOfUser);
        }
        if let Some(open) = rooms.open.get(&join.room) {
            if open.users.have(&join.user, bounds.per_user) {
                return Err(JoinError::TooManyOfUser);
            }
            if open.listeners >= bounds.per_room {
                return Err(JoinError::Full);
            }
        }
        rooms.listeners += 1;
        self.0.metrics.fanout.came(join.rendering);
        rooms.users.one_more(&join.user);
        let open = rooms.open.entry(join.room).or_insert_with(|| {
            self.0.metrics.fanout.rooms.inc();
            let room = Arc::new(Room::new(join.room, Arc::clone(&self.0.metrics)));
            tokio::spawn(Arc::clone(&room).run(store.clone(), self.0.batching));
            Open { room, listeners: 0, users: Users::default() }
        });
        open.listeners += 1;
        open.users.one_more(&join.user);
        Ok(Arc::clone(&open.room))
    }

    /// Gives a listener's place back. With the last one the room goes.
    fn release(&self, room: RoomId, listener: &Listener) {
        let user = &listener.user;
        self.0.metrics.fanout.went(listener.rendering, listener.ended());
        let mut rooms = self.lock();
        rooms.listeners -= 1;
        rooms.users.one_less(user);
        let Some(open) = rooms.open.get_mut(&room) else { return };
        open.listeners -= 1;
        open.users.one_less(user);
        if open.listeners > 0 {
            return;
        }
        let gone = rooms.open.remove(&room);
        drop(rooms);
        self.0.metrics.fanout.rooms.dec();
        if let Some(open) = gone {
            open.room.close(CloseCode::GoingAway);
        }
    }

    /// Where it counts.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.lock().listeners
    }

    /// Sends every listener away and lets nobody in any more.
    pub fn close(&self) {
        let mut rooms = self.lock();
        rooms.closing = true;
        let open: Vec<_> = rooms.open.values().map(|open| Arc::clone(&open.room)).collect();
        drop(rooms);
        for room in open {
            room.close(CloseCode::GoingAway);
        }
    }

    // A panic while the lock was held leaves the counts at most one off.
    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
