//! Several nodes.

use crate::bus::{self, RedisUrl};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use std::path::PathBuf;
use std::time::Duration;

/// Options for nodes that share a database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Several nodes")]
pub struct Bus {
    /// Tell other nodes of changes by Redis Pub/Sub: `redis://[user:password@]host[:port][/db]`, or `rediss://`. Better
    /// given in the environment. Without it nodes that share a database hear of each other by --resync-interval alone
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub redis: Option<RedisUrl>,
    /// Certificates (PEM) of who may vouch for Redis, in the place of the well-known authorities
    #[arg(long, value_name = "FILE", requires = "redis")]
    pub redis_ca: Option<PathBuf>,
    /// The Redis channel; deployments that share a Redis have one each, whichever database they name there
    #[arg(long, value_name = "NAME", default_value = "chat",
          value_parser = NonEmptyStringValueParser::new())]
    pub redis_channel: String,
    /// How often every room that somebody listens to looks for itself whether something has changed, whatever Redis
    /// says: the latest that a change comes whose notice was lost, or which another process made
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = interval)]
    pub resync_interval: Duration,
}

impl Bus {
    /// Where the bus is, if there is one.
    ///
    /// # Errors
    /// When the file of certificates cannot be read.
    pub fn options(&self) -> Result<Option<bus::Options>, String> {
        let Some(url) = self.redis.clone() else { return Ok(None) };
        let authorities = match &self.redis_ca {
            Some(path) => {
                let unreadable = |error| format!("cannot read --redis-ca {}: {error}", path.display());
                Some(std::fs::read(path).map_err(unreadable)?)
            }
            None => None,
        };
        Ok(Some(bus::Options { url, authorities, channel: self.redis_channel.clone() }))
    }
}

/// More often than once a second is polling; less often than once an hour nobody would wait for.
fn interval(given: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(given)
        .map_err(|error| format!("{error}; a duration looks like 30s or 5m"))?;
    if interval < Duration::from_secs(1) || interval > Duration::from_secs(3_600) {
        return Err("from 1s to 1h".into());
    }
    Ok(interval)
}
