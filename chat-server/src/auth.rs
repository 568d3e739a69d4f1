//! Who is calling: JWT, HS256, checked on every request.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use chat_protocol::{ErrorCode, UserId};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How far a token issuer's clock may be off. A `nbf` set by a clock slightly ahead of ours would
/// otherwise refuse a token fresh from the issuer, and a refusal ends the session. Not more: a
/// token that has expired is to be seen as expired soon.
const LEEWAY_SECONDS: u64 = 2;

/// As far as anybody looks ahead: ten years. A `Duration` takes no number, however large.
const LONGEST_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

/// Fewer bytes than the hash has can be guessed sooner than the hash itself (RFC 7518, 3.2).
const STRONG_SECRET_BYTES: usize = 32;

/// The secret shared with whoever mints tokens. Shows in no log.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret that is not empty.
    ///
    /// # Errors
    /// Says that it is empty.
    pub fn new(secret: impl Into<String>) -> Result<Self, &'static str> {
        let secret = secret.into();
        if secret.is_empty() { Err("the secret is empty") } else { Ok(Self(secret)) }
    }

    /// One of 244 random bits from the system.
    pub fn random() -> Self {
        Self(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()))
    }

    /// Whether guessing it is out of the question.
    pub fn is_strong(&self) -> bool {
        self.0.len() >= STRONG_SECRET_BYTES
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What we put into a token.
#[derive(Serialize)]
struct Minted {
    sub: String,
    exp: u64,
}

/// What we take from one. `exp` and `nbf` are the library's to check: it reads them as RFC 7519 has
/// them, fractions of a second included.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// In seconds since 1970, with fractions where the issuer gives them.
    exp: f64,
}

/// A token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Whose it is.
    pub user: UserId,
    /// How long it is still good for, leeway included: once that has passed it is refused.
    pub lasts: Duration,
}

/// Mints a token for `user` that expires `ttl` from now.
///
/// # Errors
/// Says what cannot be encoded.
pub fn mint(user: &UserId, secret: &Secret, ttl: Duration) -> Result<String, String> {
    let exp = jsonwebtoken::get_current_timestamp().saturating_add(ttl.as_secs());
    let claims = Minted { sub: user.as_str().to_owned(), exp };
    let key = EncodingKey::from_secret(secret.reveal().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|error| error.to_string())
}

/// Checks tokens.
pub struct Tokens {
    key: DecodingKey,
    validation: Validation,
}

impl Tokens {
    /// Accepts what `secret` has signed.
    pub fn new(secret: &Secret) -> Self {
        // One algorithm, named here and never taken from the token: `none` and the public-key ones
        // are refused before the signature is looked at.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self { key: DecodingKey::from_secret(secret.reveal().as_bytes()), validation }
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// [`ErrorCode::TokenExpired`] or [`ErrorCode::TokenRefused`].
    pub fn user(&self, token: &str) -> Result<UserId, ErrorCode> {
        self.pass(token).map(|pass| pass.user)
    }

    /// Whose token it is, and how long it lasts.
    ///
    /// # Errors
    /// As [`Tokens::user`].
    pub fn pass(&self, token: &str) -> Result<Pass, ErrorCode> {
        // The signature is checked before the claims, so only a token of ours is ever "expired".
        let token =
            jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).map_err(
                |error| match error.kind() {
                    ErrorKind::ExpiredSignature => ErrorCode::TokenExpired,
                    _ => ErrorCode::TokenRefused,
                },
            )?;
        let user = UserId::new(token.claims.sub).map_err(|_| ErrorCode::TokenRefused)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let left = token.claims.exp + LEEWAY_SECONDS as f64 - now;
        Ok(Pass { user, lasts: Duration::from_secs_f64(left.clamp(0.0, LONGEST_SECONDS)) })
    }
}

/// The caller, by the token's `sub`. As a handler's first argument it stands before every other check.
pub struct Caller(pub UserId);

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).map_err(ApiError::new)?;
        app.tokens.user(token).map(Caller).map_err(ApiError::new)
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
        app.tokens.pass(token).map(Self::from).map_err(ApiError::new)
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
