//! Who is calling: JWT, checked on every request.
//!
//! ```text
//! token ─▶ seen before? ─▶ header: algorithm, key id ─▶ HS256: the secrets        ─▶ signature ─▶ claims ─▶ user
//!                                                    └▶ RS256, ES256, EdDSA: JWKS ┘
//!                                                       a key nobody knows waits for the next reading of it
//! ```
//! # Invariants
//! - The algorithm is one of four, and a key is only ever used with its own: nothing that is public is a secret.
//! - Nothing in a token says where its key is. `jku`, `jwk`, `x5u` and `x5c` are not looked at.
//! - Only a token with a good signature is ever "expired"; whatever else is wrong with it, it is refused.
//! - A token is refused for its key only after the keys have been read since it came. When they cannot be had,
//!   that is the server's trouble (`503`), and no session ends for it.
//! - No token and no key is logged.

mod caller;
mod jwk;
mod jwks;
mod open;
mod secret;
mod seen;
mod source;
mod tokens;

pub use caller::{Caller, Listening};
pub(crate) use caller::{admit, bearer};
pub use jwks::Jwks;
pub use open::open;
pub use secret::{Secret, mint, mint_by};
pub use source::{NotASource, Source};
pub use tokens::{Pass, Rules, Tokens};
