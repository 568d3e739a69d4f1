//! Who may come in, and how.

use crate::auth::Secret;
use crate::origin::Origin;
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use std::path::PathBuf;

/// Tokens, TLS and origins.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// Secret that signs the users' tokens (HS256). Better given in the environment, where other
    /// users of the machine cannot read it. Without one, a random secret is made for this run
    #[arg(long, value_name = "SECRET", env = "CHAT_JWT_SECRET", hide_env_values = true, value_parser = secret())]
    pub jwt_secret: Option<Secret>,
    /// Serve `https://` and `wss://` with this certificate chain (PEM, the server's own first)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Let pages of this origin open a WebSocket, such as `https://chat.example`; may be given again. Without
    /// any, every request that names an Origin is refused, since no browser page is expected; apps send none
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
}

pub(super) fn secret() -> impl TypedValueParser<Value = Secret> {
    NonEmptyStringValueParser::new().try_map(Secret::new)
}
