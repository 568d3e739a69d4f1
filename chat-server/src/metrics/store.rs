//! The database.

use super::{seconds, sizes};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Reads and writes, whichever database there is.
#[derive(Debug, Clone)]
pub struct Store {
    /// Writes that wait for a commit.
    pub waiting_writes: Gauge,
    /// Reads that wait for a reader or a connection.
    pub waiting_reads: Gauge,
    /// Writes turned away, for whatever reason that passes.
    pub busy_writes: Counter,
    /// Reads turned away likewise.
    pub busy_reads: Counter,
    /// Writes in one commit.
    pub commit_writes: Histogram,
    /// From the beginning of a transaction until it is on the disk.
    pub commit_duration: Histogram,
    /// Connections in use; SQLite's are the threads that are at work.
    pub connections_used: Gauge,
    /// Connections that wait for something to do.
    pub connections_idle: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

impl Store {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (waiting, busy, connections) = (Family::default(), Family::default(), Family::default());
        let waits = |kind| Family::<Kind, Gauge>::get_or_create_owned(&waiting, &Kind { kind });
        let turned = |kind| Family::<Kind, Counter>::get_or_create_owned(&busy, &Kind { kind });
        let are = |state| Family::<State, Gauge>::get_or_create_owned(&connections, &State { state });
        let store = Self {
            waiting_writes: waits("write"),
            waiting_reads: waits("read"),
            busy_writes: turned("write"),
            busy_reads: turned("read"),
            commit_writes: Histogram::new(sizes()),
            commit_duration: Histogram::new(seconds()),
            connections_used: are("used"),
            connections_idle: are("idle"),
        };
        registry.register("store_waiting", "What waits for the database", waiting);
        registry.register(
            "store_busy",
            "What was turned away as busy, by too much that waits or a database that is away, locked or full",
            busy,
        );
        registry.register("store_commit_writes", "Writes in one commit", store.commit_writes.clone());
        registry.register_with_unit(
            "store_commit_duration",
            "From the beginning of a transaction until it is on the disk",
            Unit::Seconds,
            store.commit_duration.clone(),
        );
        registry.register("store_connections", "Connections to the database", connections);
        store
    }
}

/// A gauge that is one higher as long as this lives.
#[derive(Debug)]
pub struct Raised(Gauge);

impl Raised {
    /// Raises it.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.dec();
    }
}
