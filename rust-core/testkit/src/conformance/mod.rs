//! The transport conformance suite: what every transport has to stand, in the same words for the four.
//!
//! A case is a function of the transport. Those of [`words`] meet a [`crate::StreamServer`] that says wrong
//! things; those of [`network`] the real server over a network that does. Each ends by looking at what a
//! user would: every message is on screen once, in order.

pub mod network;
pub mod words;

use crate::{Phone, eventually};
use chat_engine::{ConnectionState, EngineConfig, TransportChoice, TransportKind};
use chat_protocol::RoomId;
use std::time::Duration;

/// Alice's phone on this transport alone, impatient, and forgiving: whatever fails is tried again at once.
pub(crate) fn phone(kind: TransportKind, url: &str, token: &str, room: RoomId) -> Phone {
    Phone::with(url, token, room, |config| by(kind, config))
}

/// Has an engine of tests follow rooms by this transport.
pub(crate) fn by(kind: TransportKind, config: &mut EngineConfig) {
    config.transport = TransportChoice::Only(kind);
    config.timings.stream_grace = Duration::from_millis(100);
    config.timings.stream_proof = Duration::ZERO;
    config.timings.bar_base = Duration::from_millis(50);
    config.timings.bar_cap = Duration::from_millis(100);
}

/// The job is live, and by this transport.
pub(crate) async fn live(phone: &Phone, kind: TransportKind) {
    let live = Some(ConnectionState::Live { transport: kind });
    eventually("live by the transport", || phone.listener.connection() == live).await;
}

/// Every message up to `last` is on screen, once and in order.
pub(crate) async fn shows(phone: &Phone, last: i64) {
    let all: Vec<i64> = (1..=last).collect();
    eventually("every message once, in order", || phone.listener.ids() == all).await;
}
