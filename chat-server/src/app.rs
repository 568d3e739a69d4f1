//! The application: routes and what surrounds every one of them.
//!
//! From the outside in: access log, security headers, CORS, `Cache-Control`, limits by address, gzip and its `ETag`, panics into `500`, then the route.

use crate::access_log::{Seen, access_log};
use crate::auth::{Secret, Tokens};
use crate::error::ApiError;
use crate::headers;
use crate::hub::Hub;
use crate::limits::{self, Limits};
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::readiness::Readiness;
use crate::routes;
use crate::store::Store;
use crate::trace::Traces;
use crate::web;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, ETAG};
use axum::http::{HeaderValue, StatusCode, Version};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use chat_protocol::ErrorCode;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// Below one network packet there is nothing to gain.
const COMPRESS_ABOVE_BYTES: u64 = 1_024;

/// What every handler may use.
#[derive(Clone)]
pub struct App {
    /// Rooms and messages.
    pub store: Store,
    /// Who listens to which room; it hears of the store's changes.
    pub hub: Hub,
    /// Who is who.
    pub tokens: Arc<Tokens>,
    /// Whose pages may come in.
    pub origins: Arc<Origins>,
    /// Who has asked for how much.
    pub limits: Arc<Limits>,
    /// TLS is ours to end, so that nothing may be asked for without it.
    pub tls: bool,
    /// Who follows requests.
    pub traces: Traces,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who may see that on the public port; nobody without.
    pub metrics_token: Option<Secret>,
    /// Whether requests are welcome.
    pub readiness: Arc<Readiness>,
    /// Seconds that clients are asked to leave between two polls, if they are asked.
    pub poll_interval: Option<u32>,
    /// The longest that a poll is held.
    pub max_wait: Duration,
    /// The longest silence on a stream.
    pub heartbeat: Duration,
    /// Whether browsers are given pages.
    pub web: bool,
}

/// The whole service.
pub fn router(app: App) -> Router {
    let mut routes = Router::from(routes::router()).merge(web::document());
    if app.web {
        routes = routes.merge(web::pages());
    }
    let around = Around {
        metrics: Arc::clone(&app.metrics),
        traces: app.traces.clone(),
        limits: Arc::clone(&app.limits),
        origins: Arc::clone(&app.origins),
        tls: app.tls,
    };
    let readiness = Arc::clone(&app.readiness);
    let routes = routes.layer(middleware::from_fn_with_state(readiness, last_answer));
    surround(routes, around).with_state(app)
}

/// What is around every route.
#[derive(Default)]
struct Around {
    metrics: Arc<Metrics>,
    traces: Traces,
    limits: Arc<Limits>,
    origins: Arc<Origins>,
    tls: bool,
}

/// What is served to who watches, at an address of its own: without a line in the log for each look.
pub fn own_router(app: App) -> Router {
    let routes = routes::own().fallback(async || ApiError::new(ErrorCode::NotFound));
    routes.layer(middleware::map_response(no_store)).with_state(app)
}

/// Adds what every answer has in common, those for unknown routes included.
fn surround<S: Clone + Send + Sync + 'static>(routes: Router<S>, around: Around) -> Router<S> {
    // Level 1 rather than 6: JSON shrinks nearly as well for a third of the time.
    let gzip = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(COMPRESS_ABOVE_BYTES).and(NotForContentType::SSE));
    let routes = routes
        .fallback(async || ApiError::new(ErrorCode::NotFound))
        .method_not_allowed_fallback(async || ApiError::new(ErrorCode::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(gzip)
        .layer(middleware::map_response(weak_when_encoded))
        .layer(middleware::from_fn_with_state(around.limits, limits::by_address))
        .layer(middleware::map_response(no_store));
    // With nobody to let in, a page is told nothing, and `OPTIONS` is a method like any other.
    let routes =
        if around.origins.is_empty() { routes } else { routes.layer(headers::cors(&around.origins)) };
    let seen = Seen { metrics: around.metrics, traces: around.traces, tls: around.tls };
    routes
        .layer(middleware::map_response_with_state(around.tls, headers::secure))
        .layer(middleware::from_fn_with_state(seen, access_log))
}

/// What happened, the panic hook has logged. The payload is not looked at: it may quote a message.
// tower-http hands the payload over by value.
#[allow(clippy::needless_pass_by_value)]
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

/// While the server is about to stop, who keeps a connection alive is asked to come back by another one: at the end
/// there are few left on which a request could be on its way. HTTP/2 has no such header, and a word of its own.
async fn last_answer(State(readiness): State<Arc<Readiness>>, request: Request, next: Next) -> Response {
    let http1 = request.version() <= Version::HTTP_11;
    let mut response = next.run(request).await;
    if http1 && readiness.draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// No answer is worth keeping, unless it says so itself: messages are private, and the client has a cache
/// of its own.
async fn no_store(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A strong tag names the very bytes sent, and these are no longer those it was made of (RFC 9110,
/// 8.8.3.3).
async fn weak_when_encoded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let strong = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'));
    if let (true, Some(strong)) = (headers.contains_key(CONTENT_ENCODING), strong)
        && let Ok(weak) = HeaderValue::try_from(format!("W/{strong}"))
    {
        headers.insert(ETAG, weak);
    }
    response
}

#[cfg(test)]
mod tests;
