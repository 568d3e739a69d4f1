//! Checking a token.

use super::jwk::KeySet;
use super::jwks::Jwks;
use super::secret::Secret;
use super::seen::{Fingerprint, Seen};
use chat_protocol::{ErrorCode, UserId};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far a token issuer's clock may be off. A `nbf` set by a clock slightly ahead of ours would
/// otherwise refuse a token fresh from the issuer, and a refusal ends the session. Not more: a
/// token that has expired is to be seen as expired soon.
const LEEWAY_SECONDS: u64 = 2;

/// As far as anybody looks ahead: ten years. A `Duration` takes no number, however large.
const LONGEST_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

/// A token of a user with some claims has one kilobyte; nothing longer is taken apart.
const MOST_BYTES: usize = 8 << 10;

/// What a token must say of itself besides `exp`.
#[derive(Debug, Clone)]
pub struct Rules {
    /// One of these has made it (`iss`). None: no matter who.
    pub issuers: Vec<String>,
    /// It is for one of these (`aud`). None: a token that is for somebody is for somebody else.
    pub audiences: Vec<String>,
    /// The claim that names the user.
    pub user_claim: String,
}

impl Default for Rules {
    fn default() -> Self {
        Self { issuers: vec![], audiences: vec![], user_claim: "sub".into() }
    }
}

/// A token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Whose it is.
    pub user: UserId,
    /// How long it is still good for, leeway included: once that has passed it is refused.
    pub lasts: Duration,
}

/// What a good token says.
#[derive(Clone)]
pub(super) struct Good {
    user: UserId,
    /// In seconds since 1970, with fractions where the issuer gives them.
    exp: f64,
}

impl Good {
    fn left(&self) -> f64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.exp + LEEWAY_SECONDS as f64 - now
    }

    pub(super) fn has_expired(&self) -> bool {
        self.left() <= 0.0
    }
}

impl From<Good> for Pass {
    fn from(good: Good) -> Self {
        let lasts = Duration::from_secs_f64(good.left().clamp(0.0, LONGEST_SECONDS));
        Self { user: good.user, lasts }
    }
}

/// What we take from a token. `exp`, `nbf`, `iss` and `aud` are the library's to check, which reads the times as
/// RFC 7519 has them, fractions of a second included; but it passes over an `aud` that is neither text nor a
/// list of it, and takes a list for `iss`, so their kinds are checked here.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    #[serde(rename = "iss")]
    _iss: Option<String>,
    #[serde(rename = "aud")]
    _aud: Option<Audience>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[allow(dead_code)] // it is their kind that matters
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Expired,
    /// And what is wrong with it.
    Refused(&'static str),
    /// Its key is none of those at hand.
    UnknownKey,
}

const SIGNATURE: Fault = Fault::Refused("the signature");

/// Why a caller is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// For its token: expired or refused.
    Token(ErrorCode),
    /// The keys that would tell cannot be had.
    NoKeys,
}

/// Checks tokens.
pub struct Tokens {
    secrets: Vec<DecodingKey>,
    jwks: Option<Arc<Jwks>>,
    rules: Rules,
    seen: Seen,
}

impl Tokens {
    /// Accepts what `secret` has signed.
    pub fn new(secret: &Secret) -> Self {
        Self::with(std::slice::from_ref(secret), None, Rules::default())
    }

    /// Accepts what keeps to the `rules` and is signed with HS256 by one of `secrets`, or otherwise by a key
    /// of `jwks`.
    pub fn with(secrets: &[Secret], jwks: Option<Arc<Jwks>>, rules: Rules) -> Self {
        let key = |secret: &Secret| DecodingKey::from_secret(secret.reveal().as_bytes());
        Self { secrets: secrets.iter().map(key).collect(), jwks, rules, seen: Seen::default() }
    }

    /// Whose token it is, by the keys at hand.
    ///
    /// # Errors
    /// [`ErrorCode::TokenExpired`] or [`ErrorCode::TokenRefused`].
    pub fn user(&self, token: &str) -> Result<UserId, ErrorCode> {
        self.pass(token).map(|pass| pass.user)
    }

    /// Whose token it is, and how long it lasts, by the keys at hand.
    ///
    /// # Errors
    /// As [`Tokens::user`].
    pub fn pass(&self, token: &str) -> Result<Pass, ErrorCode> {
        let good = self.verify(token, self.keys().as_deref());
        good.map(Pass::from).map_err(Fault::code)
    }

    /// A token that was good when it came before, and still is.
    pub(super) fn known(&self, token: &Fingerprint) -> Option<Pass> {
        self.seen.get(token, version(self.keys().as_deref())).map(Pass::from)
    }

    /// Whose token it is, by the keys at hand or, if none of them is its own, by those that are read next; these are waited
    /// for in a `place` that is held so long.
    pub(super) async fn check<P>(
        &self,
        token: &str,
        fingerprint: Fingerprint,
        place: impl FnOnce() -> Option<P>,
    ) -> Result<Pass, Failure> {
        let mut keys = self.keys();
        let mut good = self.verify(token, keys.as_deref());
        if let (Err(Fault::UnknownKey), Some(jwks)) = (&good, &self.jwks) {
            let _place = place().ok_or(Failure::NoKeys)?;
            jwks.read_anew().await.map_err(|_| Failure::NoKeys)?;
            keys = self.keys();
            good = self.verify(token, keys.as_deref());
        }
        let good = good.map_err(|fault| {
            // For whoever sets up an issuer.
            tracing::debug!(?fault, "a token is not taken");
            Failure::Token(fault.code())
        })?;
        self.seen.put(fingerprint, good.clone(), version(keys.as_deref()));
        Ok(good.into())
    }

    fn keys(&self) -> Option<Arc<KeySet>> {
        self.jwks.as_ref().map(|jwks| jwks.keys())
    }

    fn verify(&self, token: &str, keys: Option<&KeySet>) -> Result<Good, Fault> {
        if token.len() > MOST_BYTES {
            return Err(Fault::Refused("too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Fault::Refused("no JWT"))?;
        // What an issuer calls critical is to be understood or refused (RFC 7515, 4.1.11); we know none of it.
        if header.crit.is_some() {
            return Err(Fault::Refused("a critical header that is not known"));
        }
        let claims = match (header.alg, keys) {
            (Algorithm::HS256, _) => {
                self.first_good(token, Algorithm::HS256, self.secrets.iter(), SIGNATURE)?
            }
            (algorithm @ (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA), Some(keys)) => {
                let kid = header.kid.as_deref();
                let mut keys = keys.of(algorithm, kid).peekable();
                // Without a key id, the key may always be one that is not here yet.
                let known = kid.is_some() && keys.peek().is_some();
                let otherwise = if known { SIGNATURE } else { Fault::UnknownKey };
                self.first_good(token, algorithm, keys, otherwise)?
            }
            _ => return Err(Fault::Refused("the algorithm")),
        };
        let user = claims.others.get(&self.rules.user_claim).and_then(Value::as_str);
        let user = user.and_then(|user| UserId::new(user).ok()).ok_or(Fault::Refused("the user"))?;
        Ok(Good { user, exp: claims.exp })
    }

    /// The claims, by the first of `keys` that has signed them.
    fn first_good<'a>(
        &self,
        token: &str,
        algorithm: Algorithm,
        keys: impl Iterator<Item = &'a DecodingKey>,
        otherwise: Fault,
    ) -> Result<Claims, Fault> {
        let validation = self.validation(algorithm);
        for key in keys {
            // The signature is checked before the claims.
            match jsonwebtoken::decode::<Claims>(token, key, &validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => match error.kind() {
                    // Another may have signed it, or is a key at all.
                    ErrorKind::InvalidSignature
                    | ErrorKind::InvalidEcdsaKey
                    | ErrorKind::InvalidEddsaKey
                    | ErrorKind::InvalidKeyFormat => {}
                    kind => return Err(Fault::of(kind)),
                },
            }
        }
        Err(otherwise)
    }

    /// One algorithm, named here: that of a token says which of our keys are tried, and no more.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        let mut required = vec!["exp"];
        if !self.rules.issuers.is_empty() {
            validation.set_issuer(&self.rules.issuers);
            required.push("iss");
        }
        if !self.rules.audiences.is_empty() {
            validation.set_audience(&self.rules.audiences);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        validation
    }
}

impl Fault {
    /// Of a token that is signed well. Nothing of it is repeated.
    fn of(error: &ErrorKind) -> Self {
        Fault::Refused(match error {
            ErrorKind::ExpiredSignature => return Fault::Expired,
            ErrorKind::ImmatureSignature => "not good yet",
            ErrorKind::InvalidIssuer => "another issuer",
            ErrorKind::InvalidAudience => "another audience",
            ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
            ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => "a claim is none",
            _ => "no JWT",
        })
    }

    fn code(self) -> ErrorCode {
        match self {
            Fault::Expired => ErrorCode::TokenExpired,
            Fault::Refused(_) | Fault::UnknownKey => ErrorCode::TokenRefused,
        }
    }
}

/// Secrets do not change while the server runs.
fn version(keys: Option<&KeySet>) -> u64 {
    keys.map_or(0, |keys| keys.version)
}
