//! Values with dull defaults: a test states only what it is about.

use chat_engine::{Account, ConnectionState, EngineConfig, TransportKind};
use chat_protocol::{Message, MessageId, Page, Seq, Timestamp, UserId};
use std::path::Path;
use std::time::Duration;

/// The token of [`config`]'s user at doubles, which do not look at it.
pub const TOKEN: &str = "token";

/// A job whose last poll was answered.
pub const LIVE: ConnectionState = ConnectionState::Live { transport: TransportKind::Polling };

/// A user.
pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// Message `id`, created by change `seq`, from bob, saying "message ID".
pub fn message(id: i64, seq: i64) -> Message {
    Message {
        id: MessageId::new(id).unwrap(),
        seq: Seq::new(seq).unwrap(),
        sender: user("bob"),
        text: format!("message {id}"),
        sent_at: Timestamp::from_millis(1_767_323_045_678 + id),
        edited_at: None,
        deleted: false,
        transaction_id: None,
    }
}

/// A page of messages 'first'..='last' whose changes have their ids' numbers, with nothing after it.
pub fn page(first: i64, last: i64) -> Page {
    Page {
        messages: (first..=last).map(|n| message(n, n)).collect(),
        cursor: Seq::new(last).unwrap(),
        has_more: false,
    }
}

/// Alice's configuration, impatient enough for tests.
pub fn config(server: &str, folder: &Path) -> EngineConfig {
    let mut config = EngineConfig::new(Account::new(server, user("alice"), true).unwrap(), folder);
    config.timings.poll_interval = Duration::from_millis(20);
    config.timings.poll_ceiling = config.timings.poll_interval;
    config.timings.rooms_interval = Duration::from_millis(20);
    config.timings.read_delay = Duration::from_millis(50);
    config.timings.backoff_base = Duration::from_millis(20);
    config.timings.backoff_cap = Duration::from_millis(200);
    config
}
