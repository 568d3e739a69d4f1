//! The command line: one file for each group of options, and where else these may be given (`config`).

mod access;
mod admin;
mod bus;
mod config;
mod file;
mod health;
mod limits;
mod log;
mod near;
mod operations;
mod print;
mod storage;
mod streams;
mod token;
mod usage;
mod web;

pub use access::{Access, Claims};
pub use admin::{
    Admin, Backup, Discard, Export, Import, ListRooms, Member, Members, Migrate, NewRoom, Place, Room,
    ShowRoom, Target, Vacuum,
};
pub use bus::Bus;
pub use config::{Config, ConfigError, Parsed, parse};
pub use health::Health;
pub use limits::Limits;
pub use log::{Log, LogFormat, LogLevel};
pub use near::misspelt;
pub use operations::Operations;
pub use storage::Storage;
pub use streams::Streams;
pub use token::Token;
pub use web::Web;

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;

/// The longest pause between polls worth wishing for: a day. More is a slip.
const MAX_POLL_INTERVAL: i64 = 24 * 60 * 60;

/// Only where the settings are may stand in front of a command (`usage`).
const USAGE: &str = "chat-server [OPTIONS]\n       chat-server [--config <FILE>] <COMMAND>";

/// Under every help: clap shows no variables but the ones of its own.
const EVERYWHERE: &str = "Every flag --some-name may also be given as CHAT_SOME_NAME in the environment, or as some-name in the \
file of --config; flags win over the environment, and that over the file.";

/// The chat-core reference server.
#[derive(Debug, Parser)]
#[command(version, override_usage = USAGE, after_help = EVERYWHERE)]
pub struct Cli {
    /// Something else than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
    /// Where settings come from.
    #[command(flatten)]
    pub config: Config,
}

/// What the binary does besides serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a token for a user, and nothing else
    Token(Token),
    /// Print the OpenAPI document of this server, as it is served at /openapi.json
    Openapi,
    /// Ask the server of these settings whether it lives; the status says so
    Health(Health),
    /// On the database.
    #[command(flatten)]
    Admin(Admin),
}

/// Options of the server.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Ask clients, in every answer to a poll, to leave this many seconds between two polls
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=MAX_POLL_INTERVAL))]
    pub poll_interval: Option<u32>,
    /// Where the messages are kept.
    #[command(flatten)]
    pub storage: Storage,
    /// Who may come in, and how.
    #[command(flatten)]
    pub access: Access,
    /// How much one may ask for.
    #[command(flatten)]
    pub limits: Limits,
    /// What is held open.
    #[command(flatten)]
    pub streams: Streams,
    /// Pages for browsers.
    #[command(flatten)]
    pub web: Web,
    /// Several nodes.
    #[command(flatten)]
    pub bus: Bus,
    /// Being watched, and stopping.
    #[command(flatten)]
    pub operations: Operations,
    /// What is logged.
    #[command(flatten)]
    pub log: Log,
}
