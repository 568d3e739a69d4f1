//! Tokens that were good when they came before.
//!
//! A phone polls with the same token for an hour. Checking it takes 240 µs with ES256, 145 with RS256, 33 with EdDSA
//! and 4 with HS256; the hash by which it is found here, a third of one (measured on two busy cores). A token is remembered by its SHA-256, so that none lies in memory, with the keys that it was
//! checked by: when those change, it is checked again.

use super::tokens::Good;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More than there are connections, at some 150 bytes each. Beyond it everybody is checked once more.
const MOST: usize = 1 << 15;

/// What a token is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// Good tokens.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<Fingerprint, (Good, u64)>>);

impl Seen {
    /// What is known of it, if it was checked by the keys of that `version` and has not expired.
    pub(super) fn get(&self, token: &Fingerprint, version: u64) -> Option<Good> {
        let mut seen = self.lock();
        let (good, checked) = seen.get(token)?;
        if *checked == version && !good.has_expired() {
            return Some(good.clone());
        }
        seen.remove(token);
        None
    }

    pub(super) fn put(&self, token: Fingerprint, good: Good, version: u64) {
        let mut seen = self.lock();
        if seen.len() >= MOST {
            seen.retain(|_, (good, checked)| *checked == version && !good.has_expired());
        }
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(token, (good, version));
    }

    /// Nothing under the lock can panic half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, (Good, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
