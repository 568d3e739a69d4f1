//! Real keys, made once: RSA takes a second.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use rsa::pkcs8::EncodePublicKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// An issuer's key.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) id: String,
    pub(super) jwk: Value,
    /// Everything public that somebody could take for a secret.
    pub(super) public: Vec<Vec<u8>>,
    pub(super) private: EncodingKey,
}

impl Key {
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(claims, Some(&self.id))
    }

    /// With another key id, or none.
    pub(super) fn sign_as(&self, claims: &Value, id: Option<&str>) -> String {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(self.algorithm) };
        self.sign_with(&header, claims)
    }

    pub(super) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).unwrap()
    }

    /// The same key by another name.
    pub(super) fn named(mut self, id: &str) -> Self {
        self.id = id.to_owned();
        self.jwk["kid"] = id.into();
        self
    }
}

fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn new_rsa() -> Key {
    let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).unwrap();
    let public = private.to_public_key();
    let (n, e) = (public.n().to_bytes_be(), public.e().to_bytes_be());
    let jwk = json!({ "kty": "RSA", "kid": "rsa-1", "use": "sig", "alg": "RS256", "n": base64(&n), "e": base64(&e) });
    let public = vec![
        public.to_public_key_pem(LineEnding::LF).unwrap().into_bytes(),
        public.to_public_key_pem(LineEnding::LF).unwrap().trim().as_bytes().to_vec(),
        public.to_public_key_der().unwrap().into_vec(),
        public.to_pkcs1_pem(LineEnding::LF).unwrap().into_bytes(),
        public.to_pkcs1_der().unwrap().into_vec(),
        n.clone(),
        base64(&n).into_bytes(),
        jwk.to_string().into_bytes(),
    ];
    let private = EncodingKey::from_rsa_der(private.to_pkcs1_der().unwrap().as_bytes());
    Key { algorithm: Algorithm::RS256, id: "rsa-1".into(), jwk, public, private }
}

fn new_ec() -> Key {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let (x, y) = pair.public_key_raw()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "ec-1", "x": base64(x), "y": base64(y) });
    let public = vec![pair.public_key_raw().to_vec(), pair.public_key_pem().into_bytes(), x.to_vec()];
    let private = EncodingKey::from_ec_der(&pair.serialize_der());
    Key { algorithm: Algorithm::ES256, id: "ec-1".into(), jwk, public, private }
}

fn new_ed() -> Key {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let x = pair.public_key_raw();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "key_ops": ["verify"], "x": base64(x) });
    let public = vec![x.to_vec(), base64(x).into_bytes(), pair.public_key_pem().into_bytes()];
    let private = EncodingKey::from_ed_der(&pair.serialize_der());
    Key { algorithm: Algorithm::EdDSA, id: "ed-1".into(), jwk, public, private }
}

pub(super) fn rsa() -> Key {
    static KEY: LazyLock<Key> = LazyLock::new(new_rsa);
    KEY.clone()
}

pub(super) fn other_rsa() -> Key {
    static KEY: LazyLock<Key> = LazyLock::new(new_rsa);
    KEY.clone()
}

pub(super) fn ec() -> Key {
    static KEY: LazyLock<Key> = LazyLock::new(new_ec);
    KEY.clone()
}

pub(super) fn ed() -> Key {
    static KEY: LazyLock<Key> = LazyLock::new(new_ed);
    KEY.clone()
}

/// One that nobody has seen.
pub(super) fn another_ed() -> Key {
    new_ed()
}
