//! Fan-out between nodes: what one node commits, the listeners of every other node hear of.
//!
//! ```text
//! store-writer: commit ─ notices ─┬─▶ hub (this node's listeners)
//!                                 └─▶ outbox ─ one task ─▶ PUBLISH ─▶ Redis ─▶ every other node: hub
//! ```
//! A message on the channel is a node's name, its next number and the rooms that have changed (`wire`). No text, no
//! names of people: who listens there learns which rooms are busy, and nothing else.
//!
//! # Invariants
//! - **Redis carries no truth.** It says sooner what the database says anyway. A notice that is lost is found by what
//!   is re-read: every open room when a node's numbers have a gap, when a node is heard for the first time or no longer, when
//!   the connection is new, and slowly, always ([`crate::hub::Hub::resync`]). A notice too many costs a read.
//! - **The writer waits for nobody.** It leaves its notices in the outbox, which is bounded: those of a room become
//!   one, and when too many rooms wait they are forgotten and a number is skipped, which the others see as a gap.
//! - **What could not be told is a gap.** A number is used up before the message leaves, so one that may or may not
//!   have arrived is never tried again, and the next one makes the others re-read.
//! - **Redis away is degraded, not down.** Messages come by the slow re-reading until it is back.
//! - One connection (RESP3), one task. It tells and hears; a node that has nothing to tell tells that every few
//!   seconds, so that a gap, or a connection that is half-open, shows soon.

mod address;
mod link;
mod outbox;
mod peers;
mod wire;

pub use address::{AddressError, RedisUrl};

use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::store::Changed;
use link::Link;
use outbox::Outbox;
use peers::{Heard, Peers};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::sleep;
use uuid::Uuid;

/// Between two looks at who is there: a fifth of a beat.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the bus is, and which of its channels is ours.
#[derive(Debug, Clone)]
pub struct Options {
    /// Redis.
    pub url: RedisUrl,
    /// Certificates (PEM) of who may vouch for it, in the place of the well-known authorities.
    pub authorities: Option<Vec<u8>>,
    /// Deployments that share a Redis have one each.
    pub channel: String,
}

/// A node's place on the bus. Cheap to clone.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    node: Uuid,
    link: Link,
    outbox: Mutex<Outbox>,
    waiting: Notify,
    peers: Mutex<Peers>,
    metrics: Arc<Metrics>,
}

impl Bus {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`AddressError`] when the options make no sense.
    pub fn new(options: Options, metrics: Arc<Metrics>) -> Result<Self, AddressError> {
        // Another name each time: whoever hears of a new node re-reads, and so finds what this one's predecessor
        // may have committed and no longer told.
        let node = Uuid::new_v4();
        let link = Link::new(options)?;
        let (outbox, waiting, peers) = Default::default();
        Ok(Self(Arc::new(Inner { node, link, outbox, waiting, peers, metrics })))
    }

    /// Rooms have changed here. Waits for nothing.
    pub fn announce(&self, notices: &[Changed]) {
        lock(&self.0.outbox).add(notices);
        self.0.waiting.notify_one();
    }

    /// Tells and hears until dropped.
    pub async fn run(self, hub: Hub) {
        tokio::join!(link::run(&self.0, &hub), self.0.look_at_peers(&hub));
    }
}

impl Inner {
    /// Something was on the channel.
    fn hear(&self, payload: &[u8], hub: &Hub) {
        let figures = &self.metrics.bus;
        let Some(message) = wire::read(payload) else {
            figures.ignored.inc();
            return;
        };
        if message.node == self.node {
            return;
        }
        figures.heard.inc();
        hub.announce(&message.notices);
        match lock(&self.peers).heard(message.node, message.number, Instant::now()) {
            Heard::Next => {}
            Heard::New => hub.resync(),
            Heard::Gap => {
                figures.gaps.inc();
                hub.resync();
            }
        }
    }

    /// Counts the other nodes now and then. What one of them did not tell before it fell silent is re-read.
    async fn look_at_peers(&self, hub: &Hub) {
        loop {
            let look = lock(&self.peers).look(Instant::now());
            self.metrics.bus.set_peers(self.link.channel(), look.heard);
            if look.fell_silent {
                hub.resync();
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The next message, if there is anything to tell.
    fn next_message(&self) -> Option<Vec<u8>> {
        let (number, notices) = lock(&self.outbox).take()?;
        Some(wire::write(self.node, number, &notices))
    }

    /// The next message, even if there is nothing to tell.
    fn next_beat(&self) -> Vec<u8> {
        let (number, notices) = lock(&self.outbox).beat();
        wire::write(self.node, number, &notices)
    }
}

// A panic while one of these locks was held leaves at most a notice less, which the re-reading finds.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
