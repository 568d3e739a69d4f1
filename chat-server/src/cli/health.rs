//! `chat-server health`.

use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the server is, by its own settings.
#[derive(Debug, Args)]
pub struct Health {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where who watches asks; is asked if there is one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
    /// The certificate, if it has one: then it can be asked only where who watches asks
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
}
