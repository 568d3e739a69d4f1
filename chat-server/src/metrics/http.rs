//! Requests.

use super::seconds;
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Requests, by route.
#[derive(Debug, Clone)]
pub struct Http {
    requests: Family<Answered, Counter>,
    durations: Family<Asked, Histogram, fn() -> Histogram>,
    /// Asked and not answered yet, long polls among them.
    pub in_flight: Gauge,
    /// Open connections, upgraded ones among them.
    pub connections: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    route: String,
}

impl Http {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (requests, in_flight, connections) = Default::default();
        let durations: fn() -> Histogram = || Histogram::new(seconds());
        let http =
            Self { requests, durations: Family::new_with_constructor(durations), in_flight, connections };
        registry.register("http_requests", "Requests answered", http.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From a request to its answer; not of what is held open (streams, sockets, long polls)",
            Unit::Seconds,
            http.durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests without an answer yet, long polls among them",
            http.in_flight.clone(),
        );
        registry.register("http_connections", "Open connections", http.connections.clone());
        http
    }

    /// A request has its answer. `took` is left out when it was held.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Option<Duration>) {
        let (method, status) = (known(method), status.as_u16());
        self.requests.get_or_create(&Answered { method, route: route.to_owned(), status }).inc();
        if let Some(took) = took {
            let asked = Asked { method, route: route.to_owned() };
            self.durations.get_or_create(&asked).observe(took.as_secs_f64());
        }
    }
}

/// A client may make up methods; OpenTelemetry's word stands for all of those.
pub(crate) fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}
