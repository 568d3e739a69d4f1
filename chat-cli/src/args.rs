//! The command line.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat_engine::protocol::{RoomId, UserId};
use chat_engine::{TransportChoice, TransportKind};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Chat in a terminal. Sends each line of standard input, prints the room as it changes.
///
/// When the input ends after some lines, leaves as soon as all of them are confirmed. When it ends
/// before the first (`</dev/null`), or with --watch, goes on printing until it is interrupted.
#[derive(Debug, Parser)]
#[command(name = "chat-cli", version)]
pub(crate) struct Args {
    /// The server's origin, as http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// A token, as `chat-server token --user NAME` prints it; its `sub` is who you are
    #[arg(long, value_name = "JWT", env = "CHAT_TOKEN", hide_env_values = true, value_parser = parse_token)]
    pub(crate) token: TokenArg,
    /// The room's number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) room: RoomId,
    /// Folder for the cache: a restart shows it at once, offline too. Without it nothing is kept
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How to hear of changes
    #[arg(long, value_enum, default_value_t)]
    pub(crate) transport: Transport,
    /// One JSON object a line for every change of a message
    #[arg(long)]
    pub(crate) json: bool,
    /// In the end, tell on standard error what it has cost and how late messages were
    #[arg(long)]
    pub(crate) stats: bool,
    /// Stay when the input ends
    #[arg(long)]
    pub(crate) watch: bool,
    /// Log to standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// The transports there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// Ask once a second
    #[default]
    Polling,
    /// Ask, and have the server hold the question until there is something to tell
    LongPolling,
    /// Server-sent events
    Sse,
    /// A WebSocket
    Websocket,
    /// The richest that works
    Auto,
}

impl From<Transport> for TransportChoice {
    fn from(transport: Transport) -> Self {
        use TransportChoice::Only;
        match transport {
            Transport::Polling => Only(TransportKind::Polling),
            Transport::LongPolling => Only(TransportKind::LongPolling),
            Transport::Sse => Only(TransportKind::Sse),
            Transport::Websocket => Only(TransportKind::WebSocket),
            Transport::Auto => TransportChoice::Auto,
        }
    }
}

/// As it is called on the command line.
pub(crate) fn name(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Polling => "polling",
        TransportKind::LongPolling => "long-polling",
        TransportKind::Sse => "sse",
        TransportKind::WebSocket => "websocket",
    }
}

/// A token and whose it is.
#[derive(Clone)]
pub(crate) struct TokenArg {
    pub(crate) secret: String,
    pub(crate) user: UserId,
}

/// Not the token: `Args` might be printed one day.
impl std::fmt::Debug for TokenArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenArg({})", self.user)
    }
}

/// Reads whose token it is (RFC 7519 §4.1.2). Whether it is a good one, the server decides.
fn parse_token(token: &str) -> Result<TokenArg, String> {
    let claims = token.split('.').nth(1).ok_or("not a JWT: it has no dots")?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| "not a JWT: its claims are not base64url")?;
    let claims: serde_json::Value =
        serde_json::from_slice(&claims).map_err(|_| "not a JWT: its claims are not JSON")?;
    let user = claims["sub"].as_str().ok_or("the JWT has no `sub`")?;
    let user = UserId::new(user).map_err(|e| format!("the JWT's `sub`: {e}"))?;
    Ok(TokenArg { secret: token.to_owned(), user })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_tokens_user_is_its_sub_and_anything_else_is_refused_with_a_reason() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"alice","exp":1}"#);
        assert_eq!(parse_token(&format!("h.{claims}.s")).unwrap().user.as_str(), "alice");
        for bad in ["", "abc", "a.!.c", "a.e30.c", "a.bm8.c"] {
            assert!(parse_token(bad).is_err(), "{bad}");
        }
    }
}
