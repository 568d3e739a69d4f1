//! Newtypes for everything that would otherwise be a bare number or string.

use crate::limits::{MAX_TRANSACTION_ID_BYTES, MAX_USER_ID_BYTES};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Why a string or number is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId(&'static str);

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidId {}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, min $min:literal, $why:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            #[doc = concat!("Takes a number. Refused: ", $why)]
            ///
            /// # Errors
            /// [`InvalidId`] when the number is below the least one possible.
            pub const fn new(value: i64) -> Result<Self, InvalidId> {
                if value < $min { Err(InvalidId($why)) } else { Ok(Self(value)) }
            }

            /// The bare number, for storage and for the boundary to other languages.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                // `i64::from_str` also takes "+7"; one spelling per number keeps URLs comparable.
                if !s.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(InvalidId($why));
                }
                s.parse().map_err(|_| InvalidId($why)).and_then(Self::new)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(i64::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

number!(
    /// A room, numbered by the server from 1.
    RoomId, min 1, "a room id is a whole number from 1"
);
number!(
    /// A message's place in its room, from 1, dense: deleting leaves a tombstone, so a hole between
    /// two ids in a cache is a message not yet fetched.
    MessageId, min 1, "a message id is a whole number from 1"
);
number!(
    /// A change's place in its room, from 1. As a cursor it means "everything up to here has been
    /// seen"; [`Seq::START`] is the cursor before the first change.
    Seq, min 0, "a seq is a whole number from 0"
);

impl Seq {
    /// The cursor of a client that has seen nothing.
    pub const START: Seq = Seq(0);
}

macro_rules! string {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $why:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Takes a string. The rule: ", $why)]
            ///
            /// # Errors
            /// [`InvalidId`] when the string breaks the rule.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
                let value = value.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&value) { Ok(Self(value)) } else { Err(InvalidId($why)) }
            }

            /// The string itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                Self::new(s)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

string!(
    /// A user, named by whoever mints the tokens: the token's `sub`.
    UserId,
    |s| !s.is_empty() && s.len() <= MAX_USER_ID_BYTES && !s.contains(|c: char| c.is_control() || c.is_whitespace() || c == '/'),
    "a user id is 1 to 128 bytes without white space, control characters or '/'"
);
string!(
    /// Names one attempt to say one thing: the same on every try, so the server stores it once.
    TransactionId,
    |s| !s.is_empty() && s.len() <= MAX_TRANSACTION_ID_BYTES && s.bytes().all(|b| b.is_ascii_graphic()),
    "an idempotency key is 1 to 128 visible ASCII characters"
);
