//! The command line.

use crate::auth::Secret;
use crate::hub::{Batching, Bounds};
use crate::origin::Origin;
use chat_protocol::UserId;
use chat_protocol::limits::{HEARTBEAT_SECONDS, MAX_WAIT_SECONDS};
use clap::builder::NonEmptyStringValueParser;
use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The longest life of a token: a hundred years. More is a slip, and would not fit every reader's clock.
const MAX_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The longest pause between polls worth wishing for: a day. More is a slip.
const MAX_POLL_INTERVAL: i64 = 24 * 60 * 60;

/// The shortest bound on holding a poll, in seconds. What is answered sooner clients take for a server that
/// does not hold at all, and they go by plain polling.
const MIN_WAIT: i64 = 5;

/// The longest silence on a stream, in seconds. Clients take 60 for death, and so does [`crate::serve`] of
/// an answer that nobody takes; the rest is the network's.
const MAX_HEARTBEAT: i64 = 50;

/// The chat-core reference server.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Something else than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
}

/// What the binary does besides serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a token for a user, and nothing else
    Token(Token),
}

/// Options of the server.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The database file, made if missing
    #[arg(long, value_name = "FILE", default_value = "chat.db")]
    pub database: PathBuf,
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
    /// Ask clients, in every answer to a poll, to leave this many seconds between two polls
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=MAX_POLL_INTERVAL))]
    pub poll_interval: Option<u32>,
    /// What is held open.
    #[command(flatten)]
    pub streams: Streams,
    /// How much to log, to stderr
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    pub log: LogLevel,
    /// How a line of the log looks
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Bounds on long polls, event streams and sockets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Streams")]
pub struct Streams {
    /// Longest that a poll is held (`wait=`); 5 at least, as clients take less for a server that does not hold
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(MIN_WAIT..=i64::from(MAX_WAIT_SECONDS)))]
    pub max_wait: u32,
    /// Longest silence on an event stream or a socket before a sign of life; 50 at most, as clients take 60 s
    /// without one for the end
    #[arg(long, value_name = "SECONDS", default_value_t = HEARTBEAT_SECONDS,
          value_parser = clap::value_parser!(u32).range(1..=MAX_HEARTBEAT))]
    pub heartbeat: u32,
    /// Most listeners (long polls, event streams and sockets) in all
    #[arg(long, value_name = "N", default_value_t = Bounds::default().listeners)]
    pub max_listeners: usize,
    /// Most listeners in one room
    #[arg(long, value_name = "N", default_value_t = Bounds::default().per_room)]
    pub max_room_listeners: usize,
    /// Most listeners that one user may have in one room
    #[arg(long, value_name = "N", default_value_t = Bounds::default().per_user)]
    pub max_user_listeners: u32,
    /// Most listeners that one user may have in all rooms together
    #[arg(long, value_name = "N", default_value_t = Bounds::default().per_user_in_all)]
    pub max_user_listeners_in_all: u32,
    /// Bytes that may wait for a listener that reads slowly, before it is sent away
    #[arg(long, value_name = "BYTES", default_value_t = Bounds::default().backlog)]
    pub max_backlog: usize,
    /// Longest that a message of a crowded, busy room waits to leave together with others; 0ms: never
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = window)]
    pub batch_window: Duration,
    /// Messages that leave together at the latest
    #[arg(long, value_name = "N", default_value_t = Batching::default().count)]
    pub batch_count: u32,
    /// Deliveries a second (messages × listeners) above which a room is crowded and busy
    #[arg(long, value_name = "N", default_value_t = Batching::default().above)]
    pub batch_above: u32,
}

impl Streams {
    /// How many may listen.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            listeners: self.max_listeners,
            per_room: self.max_room_listeners,
            per_user: self.max_user_listeners,
            per_user_in_all: self.max_user_listeners_in_all,
            backlog: self.max_backlog,
        }
    }

    /// How changes are batched.
    pub fn batching(&self) -> Batching {
        Batching { window: self.batch_window, count: self.batch_count, above: self.batch_above }
    }
}

/// Options of `token`.
#[derive(Debug, Args)]
pub struct Token {
    /// Whose token
    #[arg(long)]
    pub user: UserId,
    /// The server's secret
    #[arg(long, value_name = "SECRET", env = "CHAT_JWT_SECRET", hide_env_values = true, value_parser = secret())]
    pub jwt_secret: Secret,
    /// How long it is good for, such as 90s, 1h or 7d
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = ttl, allow_hyphen_values = true)]
    pub ttl: Duration,
}

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What needs somebody's attention.
    Error,
    /// What may need it soon.
    Warn,
    /// A line per request.
    Info,
    /// Connections too.
    Debug,
    /// Everything.
    Trace,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object per line.
    Json,
}

fn secret() -> impl TypedValueParser<Value = Secret> {
    NonEmptyStringValueParser::new().try_map(Secret::new)
}

/// Longer than a second is not batching but a delay.
fn window(given: &str) -> Result<Duration, String> {
    let window = humantime::parse_duration(given)
        .map_err(|error| format!("{error}; a duration looks like 50ms or 1s"))?;
    if window > Duration::from_secs(1) {
        return Err("a window is a second at most".into());
    }
    Ok(window)
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
