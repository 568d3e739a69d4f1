//! Answers that are not sent again to whoever has them: `ETag` and `If-None-Match` (RFC 9110, 13.1.2).

use crate::error::ApiError;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// `200` and `value` as JSON under a tag of its bytes, or `304` without it when `request` names the tag. Bytes that are
/// sent have a `place`, by their length, which they give back when they are written.
pub(super) fn json<P: Send + Sync + 'static>(
    request: &HeaderMap,
    value: &impl Serialize,
    place: impl FnOnce(usize) -> Result<P, ApiError>,
) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(|_| ApiError::internal("an answer is not JSON"))?;
    let mut tagged = Tagged::new(body);
    if !knows(request, &tagged.tag) {
        let place = place(tagged.body.len())?;
        tagged.body = Bytes::from_owner(InPlace { body: tagged.body, _place: place });
    }
    let mut response = tagged.answer(request);
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(response)
}

/// A body, and what it holds until it is written.
struct InPlace<P> {
    body: Bytes,
    _place: P,
}

impl<P> AsRef<[u8]> for InPlace<P> {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// A body, and the tag of its bytes.
pub(crate) struct Tagged {
    body: Bytes,
    tag: String,
}

impl Tagged {
    pub(crate) fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { tag: tag(&body), body }
    }

    /// `200` and the body, whose type is the caller's to say, or `304` without it when `request` names the tag.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = match knows(request, &self.tag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => axum::body::Body::from(self.body.clone()).into_response(),
        };
        // Quotes and hexadecimal digits: always a header's value.
        if let Ok(tag) = HeaderValue::try_from(&self.tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// 128 bits of SHA-256: two answers to one user never share it by chance.
fn tag(body: &[u8]) -> String {
    let mut tag = String::from('"');
    for byte in &Sha256::digest(body)[..16] {
        // A String takes whatever is written.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Weak comparison, as `If-None-Match` has it: a tag that compression made weak is still this one.
/// Tags of others may hold commas, but no quotes, so no part of one is ever ours.
fn knows(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
