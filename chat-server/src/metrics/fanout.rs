//! Who listens, and what they are brought.

use super::{seconds, sizes};
use crate::hub::Rendering;
use chat_protocol::CloseCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Listeners and deliveries.
#[derive(Debug, Clone)]
pub struct Fanout {
    listeners: PerTransport<Gauge>,
    deliveries: PerTransport<Counter>,
    ended: Family<Reason, Counter>,
    /// Rooms that somebody listens to.
    pub rooms: Gauge,
    batch: Histogram,
    lag: Histogram,
}

/// A handle for each transport, found without a lookup.
#[derive(Debug, Clone)]
struct PerTransport<M> {
    long_poll: M,
    sse: M,
    websocket: M,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Transport {
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Deliveries of one flush, to be counted at once.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    long_poll: u64,
    sse: u64,
    websocket: u64,
}

impl Fanout {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (listeners, deliveries) = (Family::default(), Family::default());
        let fanout = Self {
            listeners: PerTransport::new(&listeners),
            deliveries: PerTransport::new(&deliveries),
            ended: Family::default(),
            rooms: Gauge::default(),
            batch: Histogram::new(sizes()),
            lag: Histogram::new(seconds()),
        };
        registry.register("listeners", "Who holds something open, by transport", listeners);
        registry.register(
            "listeners_ended",
            "Listeners that are gone: answered (long polls), client_gone, or why the server sent them away",
            fanout.ended.clone(),
        );
        registry.register("listened_rooms", "Rooms that somebody listens to", fanout.rooms.clone());
        registry.register("deliveries", "Batches handed to a listener, by transport", deliveries);
        registry.register("delivery_batch_messages", "Changes that left together", fanout.batch.clone());
        registry.register_with_unit(
            "delivery_lag",
            "From the first commit of a batch, as this node heard of it, until its last listener was handed it",
            Unit::Seconds,
            fanout.lag.clone(),
        );
        fanout
    }

    pub(crate) fn came(&self, rendering: Rendering) {
        self.listeners.of(rendering).inc();
    }

    /// `why` the server ended it; a long poll that nothing has ended had its answer.
    pub(crate) fn went(&self, rendering: Rendering, why: Option<CloseCode>) {
        self.listeners.of(rendering).dec();
        let reason = match (why, rendering) {
            (Some(why), _) => why.code().as_str(),
            (None, Rendering::Page { .. }) => "answered",
            (None, _) => "client_gone",
        };
        self.ended.get_or_create(&Reason { reason }).inc();
    }

    /// A batch of `messages` was handed to everybody, `lag` after its first commit.
    pub(crate) fn delivered(&self, messages: usize, to: &Delivered, lag: Option<Duration>) {
        if messages == 0 {
            return; // somebody was taken out
        }
        self.deliveries.long_poll.inc_by(to.long_poll);
        self.deliveries.sse.inc_by(to.sse);
        self.deliveries.websocket.inc_by(to.websocket);
        self.batch.observe(messages as f64);
        if let Some(lag) = lag {
            self.lag.observe(lag.as_secs_f64());
        }
    }
}

impl Delivered {
    /// One more, if it was `taken`.
    pub(crate) fn one(&mut self, rendering: Rendering, taken: bool) {
        match rendering {
            Rendering::Page { .. } => self.long_poll += u64::from(taken),
            Rendering::Sse => self.sse += u64::from(taken),
            Rendering::Socket => self.websocket += u64::from(taken),
        }
    }
}

impl<M: Clone + Default> PerTransport<M> {
    fn new(family: &Family<Transport, M>) -> Self {
        let of = |transport| family.get_or_create_owned(&Transport { transport });
        Self { long_poll: of("long_poll"), sse: of("sse"), websocket: of("websocket") }
    }
}

impl<M> PerTransport<M> {
    fn of(&self, rendering: Rendering) -> &M {
        match rendering {
            Rendering::Page { .. } => &self.long_poll,
            Rendering::Sse => &self.sse,
            Rendering::Socket => &self.websocket,
        }
    }
}
