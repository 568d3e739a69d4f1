//! The keys of a JWKS (RFC 7517) that may sign tokens.
//!
//! Each is bound to the one algorithm that its kind has here: RSA to RS256, P-256 to ES256, Ed25519 to EdDSA.
//! Others are passed over, and so is what is not for signatures, too weak, or no secret any more: symmetric and
//! private keys that somebody published.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// An issuer has two or three. Each may be tried for a token that names none.
const MOST_KEYS: usize = 32;

/// Below it RSA is not to be used (RFC 7518, 3.3); above it no key is in use, and checking takes ever longer.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;

/// A coordinate of P-256, and an Ed25519 key.
const KEY_BYTES: usize = 32;

/// The keys that are good now.
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// Another number for other keys.
    pub(super) version: u64,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
    /// What it is made of, to see whether it is the same.
    parts: Vec<Vec<u8>>,
}

/// The wire's form. What is not named here does not matter.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<String>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWKS.
    ///
    /// # Errors
    /// Says why there is no key in it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, &'static str> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let set: Jwks = serde_json::from_slice(json).map_err(|_| "it is no JWKS")?;
        if set.keys.len() > MOST_KEYS {
            return Err("it has more keys than any issuer");
        }
        let mut keys = vec![];
        for (number, value) in set.keys.into_iter().enumerate() {
            // One that is of a kind unknown to us stands in nobody's way (RFC 7517, 5).
            match serde_json::from_value(value).map_err(|_| "it is no JWK").and_then(Key::new) {
                Ok(key) => keys.push(key),
                Err(why) => tracing::debug!(number, why, "a key is passed over"),
            }
        }
        if keys.is_empty() {
            return Err("it has no key for RS256, ES256 or EdDSA");
        }
        Ok(Self { keys, version: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// Whether the other has the same keys.
    pub(super) fn same(&self, other: &Self) -> bool {
        let is = |(one, two): (&Key, &Key)| {
            one.id == two.id && one.algorithm == two.algorithm && one.parts == two.parts
        };
        self.keys.len() == other.keys.len() && self.keys.iter().zip(&other.keys).all(is)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Those that may have signed a token with this `algorithm`: with the `id` that it names, or any.
    pub(super) fn of(&self, algorithm: Algorithm, id: Option<&str>) -> impl Iterator<Item = &DecodingKey> {
        let named = move |key: &&Key| id.is_none() || key.id.as_deref() == id;
        self.keys.iter().filter(move |key| key.algorithm == algorithm).filter(named).map(|key| &key.key)
    }
}

impl Key {
    fn new(jwk: Jwk) -> Result<Self, &'static str> {
        let verifies = |ops: &Vec<String>| ops.iter().any(|op| op == "verify");
        if jwk.usage.as_ref().is_some_and(|usage| usage != "sig")
            || !jwk.key_ops.as_ref().is_none_or(verifies)
        {
            return Err("it is not for signatures");
        }
        if jwk.d.is_some() {
            return Err("it is a private key, and no longer one");
        }
        let (algorithm, parts, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (bytes(jwk.n)?, bytes(jwk.e)?);
                check_rsa(&n, &e)?;
                let key = DecodingKey::from_rsa_raw_components(&n, &e);
                (Algorithm::RS256, vec![n, e], key)
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes_of_key(jwk.x)?, bytes_of_key(jwk.y)?);
                // A point as SEC 1 writes it, uncompressed (2.3.3). Whether it is on the curve is seen in use.
                let key = DecodingKey::from_ec_der(&[&[4], &x[..], &y[..]].concat());
                (Algorithm::ES256, vec![x, y], key)
            }
            ("OKP", Some("Ed25519")) => {
                let x = bytes_of_key(jwk.x)?;
                (Algorithm::EdDSA, vec![x.clone()], DecodingKey::from_ed_der(&x))
            }
            ("oct", _) => return Err("it is a secret, and no longer one"),
            _ => return Err("it is of a kind that is not used here"),
        };
        let named = match algorithm {
            Algorithm::RS256 => &["RS256"][..],
            Algorithm::ES256 => &["ES256"],
            // RFC 9864 has given it a name of its own.
            _ => &["EdDSA", "Ed25519"],
        };
        if jwk.alg.is_some_and(|alg| !named.contains(&alg.as_str())) {
            return Err("it is for another algorithm");
        }
        Ok(Self { id: jwk.kid, algorithm, key, parts })
    }
}

fn bytes(part: Option<String>) -> Result<Vec<u8>, &'static str> {
    let bytes = part.and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    bytes.ok_or("a part is missing or not in base64url")
}

fn bytes_of_key(part: Option<String>) -> Result<Vec<u8>, &'static str> {
    bytes(part).and_then(|part| if part.len() == KEY_BYTES { Ok(part) } else { Err("its size is another") })
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), &'static str> {
    let first = n.iter().position(|byte| *byte != 0).ok_or("its modulus is none")?;
    let bits = (n.len() - first) * 8 - n[first].leading_zeros() as usize;
    if !RSA_BITS.contains(&bits) {
        return Err("it has fewer than 2,048 bits, or more than 4,096");
    }
    // 65,537 nearly always; with 1 a signature is what it signs.
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    if !odd || e.len() > 4 || *e == [1] || e[0] == 0 {
        return Err("its exponent is none");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Why the only key of a set is passed over.
    fn refusal(jwk: Value) -> &'static str {
        assert!(KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).is_err(), "{jwk}");
        serde_json::from_value(jwk).map_err(|_| "it is no JWK").and_then(Key::new).err().unwrap()
    }

    fn base64(bytes: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn rsa(bits: usize) -> Value {
        json!({ "kty": "RSA", "kid": "k", "n": base64(&[vec![0x80; bits / 8 - 1], vec![1]].concat()), "e": "AQAB" })
    }

    fn ed() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": base64(&[9; 32]) })
    }

    fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
        jwk[name] = value.into();
        jwk
    }

    fn set(keys: &[Value]) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_key_that_is_weak_secret_or_for_something_else_is_passed_over() {
        assert!(refusal(rsa(1_024)).contains("bits"));
        assert!(
            refusal(with(rsa(1_024), "n", base64(&[vec![0; 200], vec![0x80; 128]].concat())))
                .contains("bits")
        );
        assert!(refusal(rsa(8_192)).contains("bits"));
        for exponent in [&[1][..], &[2], &[], &[1, 0, 0, 0, 1], &[0, 0]] {
            assert!(refusal(with(rsa(2_048), "e", base64(exponent))).contains("exponent"), "{exponent:?}");
        }
        assert!(refusal(with(ed(), "d", base64(&[1; 32]))).contains("private"));
        assert!(refusal(json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0" })).contains("secret"));
        assert!(refusal(with(ed(), "use", "enc")).contains("signatures"));
        assert!(refusal(with(ed(), "key_ops", json!(["sign"]))).contains("signatures"));
        for (jwk, alg) in [(ed(), "RS256"), (ed(), "HS256"), (rsa(2_048), "PS256"), (rsa(2_048), "none")] {
            assert!(refusal(with(jwk, "alg", alg)).contains("another algorithm"), "{alg}");
        }
        for x in [&[9; 31][..], &[9; 33], &[]] {
            assert!(refusal(with(ed(), "x", base64(x))).contains("size"), "{}", x.len());
        }
        assert!(refusal(with(ed(), "x", "no base64!")).contains("base64"));
        assert!(refusal(with(ed(), "crv", "Ed448")).contains("kind"));
        assert!(refusal(json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" })).contains("kind"));
        assert!(refusal(json!({ "kid": "k" })).contains("no JWK"));
        assert!(refusal(json!(17)).contains("no JWK"));
    }

    #[test]
    fn a_key_among_others_is_found_by_its_name_and_algorithm() {
        let keys =
            set(&[json!({ "kty": "new" }), with(rsa(2_048), "kid", "a"), with(ed(), "kid", "b"), ed()]);
        let found = |algorithm, id| keys.of(algorithm, id).count();
        assert_eq!(
            (keys.len(), found(Algorithm::RS256, Some("a")), found(Algorithm::RS256, Some("b"))),
            (3, 1, 0)
        );
        assert_eq!((found(Algorithm::EdDSA, Some("b")), found(Algorithm::EdDSA, None)), (1, 2));
        assert_eq!((found(Algorithm::HS256, Some("a")), found(Algorithm::ES256, None)), (0, 0));
    }

    #[test]
    fn the_same_keys_are_the_same_and_others_have_another_version() {
        let (one, same, other) =
            (set(&[ed()]), set(&[with(ed(), "use", "sig")]), set(&[with(ed(), "x", base64(&[8; 32]))]));
        assert!(one.same(&same) && !one.same(&other) && !one.same(&set(&[with(ed(), "kid", "other")])));
        assert_ne!(one.version, other.version);
    }

    #[test]
    fn what_is_no_set_of_keys_is_none() {
        for nonsense in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "<html>"] {
            assert!(KeySet::parse(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
        assert!(KeySet::parse(json!({ "keys": vec![ed(); 33] }).to_string().as_bytes()).is_err());
    }
}
