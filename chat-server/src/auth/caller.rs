//! Finding out who calls, before anything else is looked at.

use super::seen::Fingerprint;
use super::tokens::{Failure, Pass};
use crate::app::App;
use crate::error::ApiError;
use crate::limits::Client;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use chat_protocol::{ErrorCode, UserId};
use std::time::Duration;
use tokio::time::Instant;

/// When to come back if the keys cannot be had: they are asked for again by then.
const NO_KEYS_PAUSE: Duration = Duration::from_secs(5);

/// Whose token it is, unless it is refused or its user asks for too much. A request is admitted once.
pub(crate) async fn admit(app: &App, parts: &Parts, token: &str) -> Result<Pass, ApiError> {
    let client = parts.extensions.get::<Client>().copied().unwrap_or_default();
    let fingerprint = Fingerprint::of(token);
    let pass = match app.tokens.known(&fingerprint) {
        Some(pass) => pass,
        None => {
            app.limits.may_try(client)?;
            let place = || app.limits.wait_for_keys(client);
            app.tokens.check(token, fingerprint, place).await.map_err(|failure| match failure {
                Failure::Token(code) => app.limits.refused(client, code),
                Failure::NoKeys => {
                    ApiError::unavailable("the keys that sign tokens cannot be had", NO_KEYS_PAUSE)
                }
            })?
        }
    };
    app.limits.ask(&pass.user)?;
    Ok(pass)
}

/// The caller. As a handler's first argument it stands before every other check.
pub struct Caller(pub UserId);

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).map_err(ApiError::new)?;
        admit(app, parts, token).await.map(|pass| Self(pass.user))
    }
}

/// The caller of a route that goes on for longer than a token may last.
pub struct Listening {
    /// Who.
    pub user: UserId,
    /// When the token is no longer good.
    pub expires: Instant,
}

impl From<Pass> for Listening {
    fn from(pass: Pass) -> Self {
        Self { user: pass.user, expires: Instant::now() + pass.lasts }
    }
}

impl FromRequestParts<App> for Listening {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).map_err(ApiError::new)?;
        admit(app, parts, token).await.map(Self::from)
    }
}

/// The token of the one `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, ErrorCode> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let header = match (given.next(), given.next()) {
        (Some(header), None) => header.to_str().map_err(|_| ErrorCode::TokenRefused)?,
        (None, _) => return Err(ErrorCode::TokenMissing),
        _ => return Err(ErrorCode::TokenRefused),
    };
    // The scheme's case does not matter (RFC 9110, 11.1).
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(ErrorCode::TokenMissing),
    }
}
