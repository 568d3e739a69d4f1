//! What the server counts, for Prometheus.
//!
//! Each part of the server has a struct of handles here, made once in [`Metrics::new`] and given to that part:
//! counting is an atomic addition, and nothing is looked up by name. Rendering asks every handle.
//!
//! # Invariants
//! - **Bounded**: a label is a route, a method known to HTTP, a status, a transport, or a reason of ours; never a
//!   path, a user, a room or anything else that a client makes up.
//! - **Cheap where it is hot**: the fan-out counts once per flush, not once per delivery.
//! - Names are Prometheus' own: `chat_` or `process_` in front, the base unit behind, `_total` after what only grows.
//!
//! Another part adds a file here, a field to [`Metrics`], and its rows to `docs/operations.md`.

mod access;
mod bus;
mod fanout;
mod http;
#[cfg(unix)]
mod process;
mod since;
mod store;

pub use access::{Access, Limit};
pub use bus::Bus;
pub(crate) use fanout::Delivered;
pub use fanout::Fanout;
pub use http::Http;
pub(crate) use http::known;
pub(crate) use since::Since;
pub use store::{Raised, Store};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt;

/// What [`Metrics::render`] writes: OpenMetrics, which every Prometheus since 2.5 reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every figure of this process.
pub struct Metrics {
    registry: Registry,
    /// Requests.
    pub http: Http,
    /// Who listens, and what they are brought.
    pub fanout: Fanout,
    /// Other nodes.
    pub bus: Bus,
    /// Who is turned away.
    pub access: Access,
    /// The database.
    pub store: Store,
    /// 1 from the signal to stop.
    pub draining: Gauge,
    /// Spans that no collector took.
    pub spans_dropped: Counter,
}

impl Metrics {
    /// All of them at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        #[cfg(unix)]
        registry.register_collector(Box::new(process::Process::new()));
        let chat = registry.sub_registry_with_prefix("chat");
        chat.register("build", "What runs here", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let (draining, spans_dropped) = (Gauge::default(), Counter::default());
        chat.register("spans_dropped", "Spans that no collector took in time", spans_dropped.clone());
        chat.register("draining", "1 from the signal to stop", draining.clone());
        let (http, fanout) = (Http::new(chat), Fanout::new(chat));
        let (bus, access, store) = (Bus::new(chat), Access::new(chat), Store::new(chat));
        Self { http, fanout, bus, access, store, draining, spans_dropped, registry }
    }

    /// What a scrape is answered with.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // A String takes whatever is written, and every metric of ours can be.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// A quarter of a millisecond to ten seconds: below it nobody notices, above it nobody waits.
fn seconds() -> impl Iterator<Item = f64> {
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
        .into_iter()
}

/// One to 1,024, by doubling.
fn sizes() -> impl Iterator<Item = f64> {
    (0..=10).map(|exponent| f64::from(1 << exponent))
}

#[cfg(test)]
mod tests;
