//! `postgres://user:password@host/database?sslmode=…`, which never shows its password.

use super::tls::{self, Connector, Trust};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// To reach one address, or to learn that nobody can: a server on the same continent answers in far less. Several hosts,
/// or a name with several addresses, are tried one after the other, and a silent one must leave time for those behind it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A peer that is gone without a word is given up after about this long, on whichever side of the question.
const PEER_TIMEOUT: Duration = Duration::from_secs(15);
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Where a PostgreSQL database is and how to get in. Its `Display` and `Debug` leave the password out.
#[derive(Clone)]
pub struct PostgresUrl(String);

/// Why a URL names no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(String);

impl PostgresUrl {
    /// Whether `given` is meant to be one, rather than the path of a file. Another database's URL is too, and so is libpq's
    /// other way to say it (`host=… password=…`): it is refused when it is used, and not taken for a path, which errors
    /// would show with the password in it.
    pub fn is_meant(given: &str) -> bool {
        given.contains("://") || given.starts_with("host=") || given.contains("password=")
    }

    /// Takes it as it is; whether it can be used shows when it is.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Whether nobody can say where the password ends, or it is no URL at all. What follows the first `@` is taken for the
    /// host, and is shown; it may be the rest of a password.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let (before, behind) = self.0.split_once('@').unwrap_or((&self.0, ""));
        behind.contains('@')
            || !self.0.contains("://")
            || (!behind.is_empty() && before.contains("password="))
    }

    /// Whether it begins as one does.
    pub(in crate::store) fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }

    /// What is before and behind the question mark; one in a password is part of that.
    fn parts(&self) -> (&str, &str) {
        let host = self.0.find('@').unwrap_or_default();
        match self.0[host..].find('?') {
            Some(at) => (&self.0[..host + at], &self.0[host + at + 1..]),
            None => (&self.0, ""),
        }
    }

    /// What it says, for the client library, and how to encrypt.
    pub(in crate::store) fn config(&self) -> Result<(Config, Connector), InvalidUrl> {
        let (base, query) = self.parts();
        if !self.is_postgres() {
            return Err(InvalidUrl(
                "a database is the path of a file, or a URL that begins with postgres://".into(),
            ));
        }
        if self.is_ambiguous() {
            return Err(InvalidUrl(
                "write @ in a password as %40, and so wherever else it is part of a word".into(),
            ));
        }
        let (mut mode, mut root, mut others) = ("prefer", None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value.replace("%40", "@"))),
                _ => others.push(parameter),
            }
        }
        // The library's words name the part that is wrong, not what it says.
        let url = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
        let mut config = Config::from_str(&url).map_err(|error| InvalidUrl(super::pool::in_full(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(InvalidUrl("it names no host".into()));
        }
        let (ssl, trust) = match (mode, root) {
            ("disable", _) => (SslMode::Disable, Trust::Anybody),
            ("prefer", _) => (SslMode::Prefer, Trust::Anybody),
            ("require", None) => (SslMode::Require, Trust::Anybody),
            // As libpq has it: roots that are named are looked at.
            ("require" | "verify-full", Some(root)) => (SslMode::Require, Trust::Root(root)),
            ("verify-full", None) => (SslMode::Require, Trust::Public),
            _ => {
                let why = "sslmode is disable, prefer (the default), require or verify-full";
                return Err(InvalidUrl(why.into()));
            }
        };
        config
            .ssl_mode(ssl)
            .application_name("chat-server")
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(PEER_TIMEOUT)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(2);
        // Of several hosts, the one that takes changes: a standby would be read from, too, until a restart.
        if !others.iter().any(|parameter| parameter.starts_with("target_session_attrs=")) {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let tls = tls::connector(&trust).map_err(InvalidUrl)?;
        Ok((config, tls))
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clear = self.is_postgres() && !self.is_ambiguous();
        let config = Config::from_str(self.parts().0).ok().filter(|_| clear);
        let Some(config) = config else { return f.write_str("postgres://…") };
        f.write_str("postgres://")?;
        if let Some(user) = config.get_user() {
            write!(f, "{user}@")?;
        }
        for (n, host) in config.get_hosts().iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
            if let Some(port) = config.get_ports().get(n).or(config.get_ports().first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests;
