//! Being watched, and stopping.

use super::access::secret;
use crate::auth::Secret;
use crate::shutdown::Drain;
use clap::Args;
use reqwest::Url;
use std::net::SocketAddr;
use std::time::Duration;

/// The longest drain: an hour. More is a slip.
const MAX_DRAIN: Duration = Duration::from_secs(60 * 60);

/// Metrics and the drain.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct Operations {
    /// Serve /metrics, /healthz and /readyz at this address, too: one that only your own machines reach
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
    /// Show /metrics to who brings this token (`Authorization: Bearer …`) and to nobody else. Without it /metrics is
    /// at --metrics-listen alone
    #[arg(long, value_name = "TOKEN", hide_env_values = true, value_parser = secret())]
    pub metrics_token: Option<Secret>,
    /// Send a span of each request to the OpenTelemetry collector here (OTLP over HTTP), such as http://localhost:4318
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    pub otlp_endpoint: Option<Url>,
    /// Go on serving for so long after the signal to stop, while /readyz says no: until whoever balances the load has
    /// noticed
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = drain)]
    pub drain_delay: Duration,
    /// Give requests under way so long to finish, then cut them off
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = drain)]
    pub drain_timeout: Duration,
}

impl Operations {
    /// How long the end takes.
    pub fn drain(&self) -> Drain {
        Drain { delay: self.drain_delay, timeout: self.drain_timeout }
    }
}

fn endpoint(given: &str) -> Result<Url, String> {
    let url = Url::parse(given).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("it begins with http:// or https://".into()),
    }
}

fn drain(given: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(given)
        .map_err(|error| format!("{error}; a duration looks like 500ms, 5s or 1m"))?;
    if time > MAX_DRAIN { Err("a drain takes an hour at most".into()) } else { Ok(time) }
}
