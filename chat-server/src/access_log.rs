//! One line per request: the route rather than the path, so that no name, cursor or anything else of the
//! client's making is in it.
//!
//! A stream is logged when it ends, with how long it lasted, and not before: its answer carries an
//! [`Ending`], of which the stream keeps a clone.

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use chat_protocol::CloseCode;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Around every route.
pub(crate) async fn access_log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let line = Line { method, route, status: response.status(), started };
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
}

impl Line {
    fn write(&self, end: Option<&str>) {
        tracing::info!(
            method = %self.method,
            path = self.route.as_ref().map_or("(unmatched)", MatchedPath::as_str),
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
