//! What a conversation has cost, and how late its messages were: `--stats`.

use crate::args;
use crate::relay::Relay;
use chat_engine::protocol::Timestamp;
use chat_engine::{ConnectionState, ItemKey, TimelineUpdate, Traffic, TransportKind};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;

/// Counts from the moment the room is opened.
pub(crate) struct Stats {
    relay: Relay,
    /// By which transport the room was live last.
    transport: Option<TransportKind>,
    seen: HashSet<ItemKey>,
    /// Of messages of others that came while we listened, from the server's taking them to here, in milliseconds.
    latencies: Vec<i64>,
}

impl Stats {
    pub(crate) fn new(relay: Relay) -> Self {
        Self { relay, transport: None, seen: HashSet::new(), latencies: Vec::new() }
    }

    /// Where the engine is to connect.
    pub(crate) fn tunnel(&self) -> PathBuf {
        self.relay.path().to_owned()
    }

    pub(crate) fn connection(&mut self, state: &ConnectionState) {
        if let ConnectionState::Live { transport } = state {
            self.transport = Some(*transport);
        }
    }

    /// Takes the time of what is new. A snapshot is what was there before; what came with it was not waited for.
    pub(crate) fn timeline(&mut self, update: &TimelineUpdate) {
        let now = Timestamp::now().as_millis();
        match update {
            TimelineUpdate::Snapshot { items, .. } => self.seen.extend(items.iter().map(|item| item.key)),
            TimelineUpdate::Diff { upserted, .. } => {
                for item in upserted {
                    if self.seen.insert(item.key) && !item.own && self.transport.is_some() {
                        self.latencies.push(now - item.sent_at.as_millis());
                    }
                }
            }
        }
    }

    /// A line each for people, or one object.
    pub(crate) fn report(mut self, traffic: Traffic, as_json: bool) -> String {
        self.latencies.sort_unstable();
        let (connections, up, down) = self.relay.passed().read();
        let transport = self.transport.map(args::name);
        let delivered = self.latencies.len();
        let (half, most) = (self.percentile(50), self.percentile(99));
        if as_json {
            let latency = json!({"p50": half, "p99": most});
            return json!({"stats": {
                "transport": transport,
                "requests": traffic.requests,
                "connections": connections,
                "reconnects": traffic.reconnects,
                "bytes_up": up,
                "bytes_down": down,
                "delivered": delivered,
                "latency_ms": if half.is_some() { latency } else { Value::Null },
            }})
            .to_string();
        }
        let late = half.zip(most).map(|(half, most)| format!(", p50 {half} ms, p99 {most} ms"));
        format!(
            "transport    {}\nrequests     {}\nconnections  {connections}\nreconnects   {}\nbytes up     {up}\n\
             bytes down   {down}\ndelivered    {delivered}{}",
            transport.unwrap_or("none"),
            traffic.requests,
            traffic.reconnects,
            late.unwrap_or_default(),
        )
    }

    /// The nearest-rank percentile.
    fn percentile(&self, percent: usize) -> Option<i64> {
        let rank = (self.latencies.len() * percent).div_ceil(100);
        self.latencies.get(rank.checked_sub(1)?).copied()
    }
}
