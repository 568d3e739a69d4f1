//! Traces: which request of whom a line of the log belongs to, and spans for OpenTelemetry.
//!
//! A request that comes with a W3C `traceparent` has its trace's number in every line that is logged on its way. With
//! `--otlp-endpoint` each request is a span besides, by OpenTelemetry's names for a server of HTTP, and one without a
//! `traceparent` begins a trace. A span ends with the answer's head: what a stream brings later is not one request's
//! work. A request that nobody traces costs nothing.
//!
//! # Invariants
//! - Attributes are the method, the route, the status and the like; never a path, a query, a header of the client's
//!   making other than `Host`, a user or a text.

mod export;

pub use export::Exporting;

use crate::metrics::known;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Version};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};
use tracing::Span;

/// Follows requests.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<SdkTracer>);

/// One request that somebody follows.
pub(crate) struct Trace {
    span: Option<SdkSpan>,
    /// What is logged within has the trace's number.
    pub(crate) log: Span,
}

impl Traces {
    /// With spans for `provider`.
    pub(crate) fn new(provider: &SdkTracerProvider) -> Self {
        Self(Some(provider.tracer("chat-server")))
    }

    /// `None` when nobody follows it.
    pub(crate) fn begin(&self, request: &Request, route: &str, tls: bool) -> Option<Trace> {
        let headers = request.headers();
        if self.0.is_none() && !headers.contains_key("traceparent") {
            return None;
        }
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carried(headers));
        let span = self.0.as_ref().map(|tracer| span(tracer, request, route, tls, &parent));
        let id = match &span {
            Some(span) => span.span_context().trace_id(),
            None if parent.has_active_span() => parent.span().span_context().trace_id(),
            // What came is no `traceparent`.
            None => return None,
        };
        // An error's, so that it is there at every level of the log.
        Some(Trace { span, log: tracing::error_span!("request", trace_id = %id) })
    }
}

impl Trace {
    /// The answer is on its way.
    pub(crate) fn end(&mut self, status: StatusCode) {
        let Some(span) = &mut self.span else { return };
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server>
fn span(tracer: &SdkTracer, request: &Request, route: &str, tls: bool, parent: &Context) -> SdkSpan {
    let method = known(request.method());
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("url.scheme", if tls { "https" } else { "http" }),
        KeyValue::new("network.protocol.version", protocol(request.version())),
    ];
    let host = request.uri().host().or_else(|| request.headers().get(HOST)?.to_str().ok());
    if let Some(host) = host.and_then(|host| host.parse::<axum::http::uri::Authority>().ok()) {
        attributes.push(KeyValue::new("server.address", host.host().to_owned()));
        if let Some(port) = host.port_u16() {
            attributes.push(KeyValue::new("server.port", i64::from(port)));
        }
    }
    let span = tracer.span_builder(format!("{method} {route}"));
    span.with_kind(SpanKind::Server).with_attributes(attributes).start_with_context(tracer, parent)
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

struct Carried<'a>(&'a HeaderMap);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
