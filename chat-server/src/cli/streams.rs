//! What is held open.

use crate::hub::{Batching, Bounds};
use chat_protocol::limits::{HEARTBEAT_SECONDS, MAX_WAIT_SECONDS};
use clap::Args;
use std::time::Duration;

/// The shortest bound on holding a poll, in seconds. What is answered sooner clients take for a server that
/// does not hold at all, and they go by plain polling.
const MIN_WAIT: i64 = 5;

/// The longest silence on a stream, in seconds. Clients take 60 for death, and so does [`crate::serve`] of
/// an answer that nobody takes; the rest is the network's.
const MAX_HEARTBEAT: i64 = 50;

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

/// Longer than a second is not batching but a delay.
fn window(given: &str) -> Result<Duration, String> {
    let window = humantime::parse_duration(given)
        .map_err(|error| format!("{error}; a duration looks like 50ms or 1s"))?;
    if window > Duration::from_secs(1) {
        return Err("a window is a second at most".into());
    }
    Ok(window)
}
