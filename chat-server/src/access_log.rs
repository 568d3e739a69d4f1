//! One line per request, and one more in the metrics: the route rather than the path, and one of the known methods or
//! `_OTHER`, so that no name, cursor or anything else of the client's making is in it.
//!
//! A stream is logged when it ends, with how long it lasted, and not before: its answer carries an
//! [`Ending`], of which the stream keeps a clone.

use crate::metrics::{Metrics, known};
use crate::trace::{Trace, Traces};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use chat_protocol::CloseCode;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tracing::{Instrument, Span};

/// Who looks at requests.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
    pub(crate) tls: bool,
}

/// Around every route.
pub(crate) async fn access_log(
    State(Seen { metrics, traces, tls }): State<Seen>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let under_way = UnderWay::begin(&metrics);
    let mut trace = traces.begin(&request, path(route.as_ref()), tls);
    let mut response = match &trace {
        Some(Trace { log, .. }) => next.run(request).instrument(log.clone()).await,
        None => next.run(request).await,
    };
    drop(under_way);
    let status = response.status();
    if let Some(trace) = &mut trace {
        trace.end(status);
    }
    let within = trace.map_or_else(Span::none, |trace| trace.log);
    let line = Line { method, route, status, started, within };
    let extensions = response.extensions_mut();
    let held = extensions.remove::<Held>().is_some() || extensions.get::<Ending>().is_some();
    let took = (!held).then(|| started.elapsed());
    metrics.http.answered(&line.method, line.path(), line.status, took);
    match response.extensions_mut().remove::<Ending>() {
        Some(ending) => drop(ending.0.line.set(line)),
        None => line.write(None),
    }
    response
}

struct Line {
    method: Method,
    route: Option<MatchedPath>,
    status: StatusCode,
    started: Instant,
    /// Of the trace, if it has one.
    within: Span,
}

/// A request without an answer; its client may go before there is one.
struct UnderWay<'a>(&'a Metrics);

impl<'a> UnderWay<'a> {
    fn begin(metrics: &'a Metrics) -> Self {
        metrics.http.in_flight.inc();
        Self(metrics)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.http.in_flight.dec();
    }
}

/// Goes into the extensions of an answer that was held until there was something to say: how long that took
/// says nothing of the server.
#[derive(Clone)]
pub(crate) struct Held;

fn path(route: Option<&MatchedPath>) -> &str {
    route.map_or("(unmatched)", MatchedPath::as_str)
}

impl Line {
    fn path(&self) -> &str {
        path(self.route.as_ref())
    }

    fn write(&self, end: Option<&str>) {
        let _within = self.within.enter();
        tracing::info!(
            method = %known(&self.method),
            path = self.path(),
            status = self.status.as_u16(),
            latency_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            end,
            "request"
        );
    }
}

/// Goes into the extensions of a stream's answer, and with the stream. The line is written when the last
/// clone is gone.
#[derive(Clone, Default)]
pub(crate) struct Ending(Arc<Unwritten>);

#[derive(Default)]
struct Unwritten {
    line: OnceLock<Line>,
    why: OnceLock<CloseCode>,
}

impl Ending {
    /// Why the server ends the stream. Left out, it is the client that went.
    pub(crate) fn because(&self, why: CloseCode) {
        let _ = self.0.why.set(why);
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        if let Some(line) = self.line.get() {
            line.write(Some(self.why.get().map_or("client_gone", |why| why.code().as_str())));
        }
    }
}
