//! Where the messages are kept.

use crate::metrics::Metrics;
use crate::store::{self, Database};
use clap::Args;

/// More connections than any PostgreSQL takes from one node.
const MAX_POOL: i64 = 1_000;

/// Options of the database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct Storage {
    /// The SQLite file, made if missing; or a PostgreSQL database, which several nodes may share:
    /// `postgres://user:password@host/database`, with `?sslmode=disable`, `prefer` (the default), `require`, or
    /// `verify-full` (and `&sslrootcert=FILE`). With a password better given in the environment
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "CHAT_DATABASE",
        hide_env_values = true,
        default_value = "chat.db"
    )]
    pub database: Database,
    /// Most connections to PostgreSQL of this node
    #[arg(long, value_name = "COUNT", env = "CHAT_DATABASE_POOL", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=MAX_POOL))]
    pub database_pool: u32,
}

impl Storage {
    /// How much may wait, and what is kept how long.
    pub fn options(&self, metrics: &Metrics) -> store::Options {
        store::Options {
            connections: self.database_pool as usize,
            metrics: metrics.store.clone(),
            ..store::Options::default()
        }
    }
}
