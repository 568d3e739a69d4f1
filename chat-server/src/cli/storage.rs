//! Where the messages are kept.

use crate::metrics::Metrics;
use crate::store::{self, Database};
use clap::Args;
use std::str::FromStr;
use std::time::Duration;

/// More connections than any PostgreSQL takes from one node.
const MAX_POOL: i64 = 1_000;

/// Options of the database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct Storage {
    /// The SQLite file, made if missing; or a PostgreSQL database, which several nodes may share:
    /// `postgres://user:password@host/database`, with `?sslmode=disable`, `prefer` (the default), `require`, or
    /// `verify-full` (and `&sslrootcert=FILE`). With a password better given in the environment
    #[arg(long, value_name = "FILE|URL", hide_env_values = true, default_value = "chat.db")]
    pub database: Database,
    /// Most connections to PostgreSQL of this node
    #[arg(long, value_name = "COUNT", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=MAX_POOL))]
    pub database_pool: u32,
    /// How long a retry with the same Idempotency-Key is known to be one, such as 90d, or `forever`. Whoever retries
    /// later says it twice. The message itself stays
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub keep_keys: KeepKeys,
}

/// A time, or for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepKeys(Option<Duration>);

impl FromStr for KeepKeys {
    type Err = String;

    /// Less than an hour is a slip: a phone in a tunnel would say things twice.
    fn from_str(given: &str) -> Result<Self, String> {
        if given == "forever" {
            return Ok(Self(None));
        }
        match humantime::parse_duration(given) {
            Ok(keep) if keep >= Duration::from_secs(3_600) => Ok(Self(Some(keep))),
            Ok(_) => Err("1h at least, or forever".into()),
            Err(error) => Err(format!("{error}; a duration looks like 90d or 12h, or say forever")),
        }
    }
}

impl Storage {
    /// How much may wait, and what is kept how long.
    pub fn options(&self, metrics: &Metrics) -> store::Options {
        store::Options {
            connections: self.database_pool as usize,
            keep_keys: self.keep_keys.0,
            metrics: metrics.store.clone(),
            ..store::Options::default()
        }
    }
}
