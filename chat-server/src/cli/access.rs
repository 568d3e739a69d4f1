//! Who may come in, and how.

use crate::auth::{Rules, Secret, Source};
use crate::origin::Origin;
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use std::path::PathBuf;
use std::time::Duration;

/// Tokens, TLS and origins.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// Secret that signs the users' tokens (HS256). Better given in the environment, where other
    /// users of the machine cannot read it. Without one, and without --jwks, a random secret is made for this run
    #[arg(long, value_name = "SECRET", hide_env_values = true, value_parser = secret())]
    pub jwt_secret: Option<Secret>,
    /// A secret whose tokens are taken until they expire, while --jwt-secret is the new one; may be given again
    #[arg(long, value_name = "SECRET", hide_env_values = true,
          requires = "jwt_secret", value_parser = secret())]
    pub jwt_secret_previous: Vec<Secret>,
    /// Take tokens signed by the keys of this JWKS (RS256, ES256, EdDSA): a file, or an https:// URL of the
    /// issuer. Read anew now and then, on SIGHUP, and when a token names a key that is not there
    #[arg(long, value_name = "URL|FILE")]
    pub jwks: Option<Source>,
    /// How often it is read anew; a key that was withdrawn is good for so long
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = refresh)]
    pub jwks_refresh: Duration,
    /// Trust this authority's certificates (PEM) about the JWKS URL, too
    #[arg(long, value_name = "FILE", requires = "jwks")]
    pub jwks_ca: Option<PathBuf>,
    /// What a token must say of itself.
    #[command(flatten)]
    pub claims: Claims,
    /// Serve `https://` and `wss://` with this certificate chain (PEM, the server's own first). Read anew on SIGHUP
    /// and when the files change
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Let pages of this origin in, such as `https://chat.example`: to open a WebSocket, and to call every other
    /// route (CORS); may be given again. Without any, a WebSocket is open to the server's own page and to apps,
    /// which send no Origin
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<Origin>,
}

/// What a token must say of itself, and one of ours says.
#[derive(Debug, Args)]
pub struct Claims {
    /// Take tokens of this issuer (`iss`) only; may be given again
    #[arg(long, value_name = "ISSUER", value_delimiter = ',')]
    pub jwt_issuer: Vec<String>,
    /// Take tokens for this audience (`aud`) only; may be given again. Without any, a token with an audience is
    /// meant for somebody else
    #[arg(long, value_name = "AUDIENCE", value_delimiter = ',')]
    pub jwt_audience: Vec<String>,
    /// The claim that names the user
    #[arg(long, value_name = "CLAIM", default_value = "sub")]
    pub jwt_user_claim: String,
}

impl Claims {
    /// The same for whoever checks tokens, or mints them.
    pub fn rules(&self) -> Rules {
        Rules {
            issuers: self.jwt_issuer.clone(),
            audiences: self.jwt_audience.clone(),
            user_claim: self.jwt_user_claim.clone(),
        }
    }
}

pub(super) fn secret() -> impl TypedValueParser<Value = Secret> {
    NonEmptyStringValueParser::new().try_map(Secret::new)
}

/// Oftener than every second no issuer would like; a key that was withdrawn should not be good for a week.
fn refresh(given: &str) -> Result<Duration, String> {
    let refresh = humantime::parse_duration(given)
        .map_err(|error| format!("{error}; a duration looks like 30s, 5m or 1h"))?;
    if refresh < Duration::from_secs(1) || refresh > Duration::from_secs(24 * 60 * 60) {
        return Err("keys are read anew every second to every day".into());
    }
    Ok(refresh)
}
