//! The opening handshake (RFC 6455, 4.2): what a request must say to become a WebSocket.

use crate::auth;
use crate::error::ApiError;
use crate::origin::{Origin, Origins};
use axum::http::header::{
    CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use chat_protocol::{BEARER_SUBPROTOCOL, ErrorCode, SUBPROTOCOL};
use tungstenite::handshake::derive_accept_key;

/// The one version there is (RFC 6455, 4.4).
const VERSION: HeaderValue = HeaderValue::from_static("13");

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// A request without an `Origin` passes; one with several names none. `own`: whether this server has a page.
///
/// Our own page is known by the name that both its origin and this request have. Somebody may give that name
/// to another address and so have his page pass for ours; it gains him nothing, as a browser sends no token of
/// itself, and ours are kept with the page that was signed in on.
pub(super) fn check_origin(parts: &Parts, origins: &Origins, own: bool) -> Result<(), ApiError> {
    let mut given = parts.headers.get_all(ORIGIN).iter();
    let ours = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Origin>().ok());
        let mut hosts = parts.headers.get_all(HOST).iter();
        match (origin, hosts.next(), hosts.next()) {
            (Some(origin), Some(host), None) => own && origin.is_of(host.as_bytes()),
            _ => false,
        }
    };
    match (given.next(), given.next()) {
        (None, _) => Ok(()),
        (Some(origin), None) if origins.allow(origin.as_bytes()) || ours(origin) => Ok(()),
        _ => Err(ApiError::new(ErrorCode::OriginRefused)),
    }
}

/// The token: of `Authorization`, or of a browser, which can set no header but the subprotocols. Once.
pub(super) fn token(headers: &HeaderMap) -> Result<String, ApiError> {
    let header = match auth::bearer(headers) {
        Ok(token) => Some(token),
        Err(ErrorCode::TokenMissing) => None,
        Err(code) => return Err(ApiError::new(code)),
    };
    let bearers =
        elements(headers, SEC_WEBSOCKET_PROTOCOL).filter_map(|name| name.strip_prefix(BEARER_SUBPROTOCOL));
    let mut given = header.into_iter().chain(bearers);
    match (given.next(), given.next()) {
        (Some(token), None) => Ok(token.to_owned()),
        (Some(_), Some(_)) => Err(ApiError::new(ErrorCode::TokenRefused)),
        (None, _) => Err(ApiError::new(ErrorCode::TokenMissing)),
    }
}

/// Why there is no upgrade.
pub(super) enum Refusal {
    /// The request is none for a WebSocket of version 13.
    NotAnUpgrade,
    /// It is, and speaks something else.
    Subprotocol,
}

/// The answer to the handshake's key.
pub(super) fn accept(parts: &Parts) -> Result<HeaderValue, Refusal> {
    let headers = &parts.headers;
    let names =
        |name, value: &str| elements(headers, name).any(|element| element.eq_ignore_ascii_case(value));
    let upgrade = parts.version == Version::HTTP_11
        && names(CONNECTION, "upgrade")
        && names(UPGRADE, "websocket")
        && headers.get(SEC_WEBSOCKET_VERSION) == Some(&VERSION);
    if !upgrade {
        return Err(Refusal::NotAnUpgrade);
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key.as_bytes()) => key,
        _ => return Err(Refusal::NotAnUpgrade),
    };
    // Names of subprotocols are compared as they are (RFC 6455, 11.5).
    if !elements(headers, SEC_WEBSOCKET_PROTOCOL).any(|name| name == SUBPROTOCOL) {
        return Err(Refusal::Subprotocol);
    }
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| Refusal::NotAnUpgrade)
}

/// Sixteen bytes in base64. What they are does not matter.
fn is_key(key: &[u8]) -> bool {
    let (digits, padding) = key.split_at_checked(22).unwrap_or_default();
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    padding == b"==" && digits.iter().all(base64)
}

/// What a list in one or several headers names.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// `101`, and the connection is no longer HTTP's.
pub(super) fn switch(accept: &HeaderValue) -> Response {
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, WEBSOCKET),
        (SEC_WEBSOCKET_ACCEPT, accept.clone()),
        (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

impl Refusal {
    /// The problem, and what would be accepted (RFC 9110, 15.5.22; RFC 6455, 4.4).
    pub(super) fn into_response(self, version: Version) -> Response {
        if let Refusal::Subprotocol = self {
            return ApiError::bad_request(format!("the subprotocol {SUBPROTOCOL} must be offered"))
                .into_response();
        }
        let mut response = ApiError::new(ErrorCode::UpgradeRequired).into_response();
        let headers = response.headers_mut();
        headers.insert(SEC_WEBSOCKET_VERSION, VERSION);
        // HTTP/2 has no such headers (RFC 9113, 8.2.2): its clients come back by HTTP/1.1.
        if version == Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, WEBSOCKET);
        }
        response
    }
}
