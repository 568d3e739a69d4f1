//! What goes between the nodes.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The bus.
#[derive(Debug, Clone, Default)]
pub struct Bus {
    /// Without a series where there is no bus: what is not wanted is not missing.
    up: Family<Channel, Gauge>,
    peers: Family<Channel, Gauge>,
    /// Messages told.
    pub told: Counter,
    /// Messages of other nodes.
    pub heard: Counter,
    /// How often something was missing from what another node told.
    pub gaps: Counter,
    /// What was on the channel and is none of our messages.
    pub ignored: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Channel {
    channel: String,
}

impl Bus {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let bus = Self::default();
        registry.register(
            "redis_up",
            "1 while the node is on the bus; left out without --redis",
            bus.up.clone(),
        );
        registry.register(
            "bus_peers",
            "Other nodes heard within the last 15 s; left out without --redis",
            bus.peers.clone(),
        );
        registry.register("bus_sent", "Messages published to the other nodes", bus.told.clone());
        registry.register("bus_received", "Messages of other nodes", bus.heard.clone());
        registry.register(
            "bus_gaps",
            "How often messages of another node were missing, so that open rooms re-read",
            bus.gaps.clone(),
        );
        registry.register(
            "bus_ignored",
            "Messages on the channel that this version cannot read",
            bus.ignored.clone(),
        );
        bus
    }

    /// Whether Redis is there.
    pub(crate) fn set_up(&self, channel: &str, up: bool) {
        self.up.get_or_create(&Channel { channel: channel.to_owned() }).set(up.into());
    }

    /// How many other nodes are there.
    pub(crate) fn set_peers(&self, channel: &str, peers: usize) {
        self.peers.get_or_create(&Channel { channel: channel.to_owned() }).set(peers as i64);
    }
}
