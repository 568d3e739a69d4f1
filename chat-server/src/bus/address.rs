//! Where Redis is, as an operator writes it, and what may be shown of that.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Shows no password, however it is printed.
///
/// Takes any text: one that is no such URL is refused by [`super::Bus::new`], in words that do not repeat it, where the
/// command line would quote it with the password.
#[derive(Clone)]
pub struct RedisUrl(String);

impl RedisUrl {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for RedisUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str("(hidden)") };
        // A query may hold a password too.
        let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
        match rest.rsplit_once('@') {
            Some((_, place)) => write!(f, "{scheme}://***@{place}"),
            None => write!(f, "{scheme}://{rest}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why the bus cannot be used at all. Repeats nothing of the URL.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Not an address.
    #[error("--redis takes redis://[user:password@]host[:port][/db], or rediss:// for TLS: {0}")]
    Url(String),
    /// Certificates for a connection without TLS.
    #[error("--redis-ca is for rediss://, which is TLS")]
    NoTls,
    /// No certificates in the file.
    #[error("--redis-ca holds no certificate (PEM)")]
    NoCertificate,
    /// No channel.
    #[error("--redis-channel must not be empty")]
    NoChannel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("redis://localhost:6379/1", "redis://localhost:6379/1"),
            ("rediss://:hunter2@cache.example", "rediss://***@cache.example"),
            ("redis://chat:hunter2@[::1]:1", "redis://***@[::1]:1"),
            ("redis://chat:hunter@2@there", "redis://***@there"),
            ("redis+unix:///run/redis?pass=hunter2", "redis+unix:///run/redis"),
            ("hunter2", "(hidden)"),
        ] {
            let url: RedisUrl = url.parse().unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }
}
