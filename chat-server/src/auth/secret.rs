//! The secret that is shared with whoever mints tokens, and minting.

use super::tokens::Rules;
use chat_protocol::UserId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Fewer bytes than the hash has can be guessed sooner than the hash itself (RFC 7518, 3.2).
const STRONG_SECRET_BYTES: usize = 32;

/// A secret. Shows in no log.
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

    /// Whether it is what somebody gave. How long that takes tells its length at most, not how much was right.
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Mints a token for `user` that expires `ttl` from now.
///
/// # Errors
/// Says what cannot be encoded.
pub fn mint(user: &UserId, secret: &Secret, ttl: Duration) -> Result<String, String> {
    mint_by(&Rules::default(), user, secret, ttl)
}

/// The same for a server with such rules: of the first issuer, for the first audience that it takes.
///
/// # Errors
/// As [`mint`].
pub fn mint_by(rules: &Rules, user: &UserId, secret: &Secret, ttl: Duration) -> Result<String, String> {
    let exp = jsonwebtoken::get_current_timestamp().saturating_add(ttl.as_secs());
    let mut claims = BTreeMap::from([(rules.user_claim.as_str(), Value::from(user.as_str()))]);
    claims.extend(rules.issuers.first().map(|issuer| ("iss", issuer.as_str().into())));
    claims.extend(rules.audiences.first().map(|audience| ("aud", audience.as_str().into())));
    claims.insert("exp", exp.into());
    let key = EncodingKey::from_secret(secret.reveal().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = Secret::new("correct horse").unwrap();
        assert!(secret.is(b"correct horse"));
        for other in ["", "correct", "correct horse ", "correct hors", "Correct horse"] {
            assert!(!secret.is(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
