//! Pages for browsers.

use clap::Args;

/// The chat page and the documentation.
#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
pub struct Web {
    /// Serve no page: neither the chat at / nor the API's documentation at /docs. /openapi.json stays
    #[arg(long)]
    pub no_web: bool,
}
