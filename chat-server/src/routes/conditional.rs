//! Answers that are not sent again to whoever has them: `ETag` and `If-None-Match` (RFC 9110, 13.1.2).

use crate::error::ApiError;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// `200` and `value` as JSON under a tag of its bytes, or `304` without it when `request` names the tag.
pub(super) fn json(request: &HeaderMap, value: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(|_| ApiError::internal("an answer is not JSON"))?;
    let tag = tag(&body);
    Ok(match knows(request, &tag) {
        true => (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response(),
        false => ([(ETAG, tag), (CONTENT_TYPE, "application/json".into())], body).into_response(),
    })
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
