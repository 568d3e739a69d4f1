//! What answers say to browsers: what a page may make of them, and which pages may ask.

use crate::origin::Origins;
use axum::extract::State;
use axum::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use chat_protocol::{IDEMPOTENCY_KEY, JITTER, POLL_INTERVAL};
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Not in the `http` crate.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What browsers are to do with an answer, unless its route says otherwise: take it for what it says it is, run
/// and load nothing in it, show it in no other page, give it to no other page, and tell nobody where it was.
const SECURE: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];

/// Two years, as those ask who keep the browsers' lists (hstspreload.org). Not for subdomains, of which we know
/// nothing.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The longest that any browser keeps the answer to a preflight (Chromium's two hours).
const PREFLIGHT_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Adds them. Not where there is no body to protect: polls that bring nothing are most of all answers.
pub(crate) async fn secure(State(tls): State<bool>, mut response: Response) -> Response {
    let status = response.status();
    let headers = response.headers_mut();
    if tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if !matches!(status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        for (name, value) in SECURE {
            headers.entry(name).or_insert(value);
        }
    }
    response
}

/// Lets the pages of `origins` call every route with a token of theirs, and read what clients read. No cookies:
/// there are none.
pub(crate) fn cors(origins: &Arc<Origins>) -> CorsLayer {
    let origins = Arc::clone(origins);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origins.allow(origin.as_bytes())))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_NONE_MATCH,
            HeaderName::from_static(LAST_EVENT_ID),
            HeaderName::from_static(IDEMPOTENCY_KEY),
        ])
        .expose_headers([
            ETAG,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            HeaderName::from_static(JITTER),
            HeaderName::from_static(POLL_INTERVAL),
        ])
        .max_age(PREFLIGHT_AGE)
}

/// What a page that reads a stream by `fetch` resumes with.
const LAST_EVENT_ID: &str = "last-event-id";
