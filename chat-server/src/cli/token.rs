//! `chat-server token`.

use super::access::{Claims, secret};
use crate::auth::Secret;
use chat_protocol::UserId;
use clap::Args;
use std::time::Duration;

/// The longest life of a token: a hundred years. More is a slip, and would not fit every reader's clock.
const MAX_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Options of `token`.
#[derive(Debug, Args)]
pub struct Token {
    /// Whose token
    #[arg(long)]
    pub user: UserId,
    /// The server's secret. Better given as CHAT_JWT_SECRET, or in the file of --config
    #[arg(long, value_name = "SECRET", hide_env_values = true, value_parser = secret())]
    pub jwt_secret: Option<Secret>,
    /// How long it is good for, such as 90s, 1h or 7d
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = ttl, allow_hyphen_values = true)]
    pub ttl: Duration,
    /// As the server has them, whose first issuer and audience the token names.
    #[command(flatten)]
    pub claims: Claims,
}

/// clap would name the flag alone, which is the place where a secret is worst off.
const NO_SECRET: &str = "no secret to sign the token with: set CHAT_JWT_SECRET to the server's, or name the server's file \
with --config, or pass --jwt-secret. A server that was started without one has said on stderr which it made";

impl Token {
    /// What signs it.
    ///
    /// # Errors
    /// Says where a secret may be given, if none is.
    pub fn secret(&self) -> Result<&Secret, String> {
        self.jwt_secret.as_ref().ok_or_else(|| NO_SECRET.into())
    }
}

fn ttl(given: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(given)
        .map_err(|error| format!("{error}; a duration looks like 90s, 1h or 7d"))?;
    // A token's times are whole seconds.
    if ttl < Duration::from_secs(1) || ttl > MAX_TTL {
        return Err("a token lives from one second to a hundred years".into());
    }
    Ok(ttl)
}
