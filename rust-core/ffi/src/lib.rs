//! `libchat_core.so`: the engine, as Kotlin sees it. The only crate that knows uniffi and jni.
//!
//! # The boundary
//! * Coarse and synchronous: batches cross it, not items, and no call waits for the network. No
//!   `async` crosses it either, so no coroutine's cancellation can leave half a call behind.
//! * What Kotlin implements ([`RoomListener`], [`TokenSource`], [`ServerTrust`]) returns `Result`: an exception
//!   thrown there is logged by its kind and goes no further.
//! * No panic crosses it: uniffi catches one and throws `InternalException` in its place, which is
//!   why the release profile keeps unwinding.

#![allow(clippy::needless_pass_by_value)] // uniffi hands over what it made out of Kotlin's

mod client;
mod connection;
mod jvm;
mod room;
mod rooms;
mod session;
mod tokens;
mod trust;
mod types;

pub use client::{ChatCore, CoreConfig};
pub use connection::{ConnectionError, ConnectionState, EndReason};
pub use room::{LoadListener, RoomCore, RoomListener};
pub use rooms::{LastMessage, RoomListCore, RoomListItem, RoomListListener};
pub use session::{SessionListener, SessionState};
pub use tokens::TokenSource;
pub use trust::{ServerTrust, TrustVerdict};
pub use types::{
    ChangeState, CoreError, DeliveryState, FailureReason, ListenerError, LoadResult, RoomStatus,
    TimelineItem, TimelineUpdate,
};

uniffi::setup_scaffolding!();

/// This library's version, as `major.minor.patch`.
#[uniffi::export]
pub fn core_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Most Unicode scalar values (code points, not UTF-16 units) in a message.
#[uniffi::export]
pub fn max_text_scalars() -> u32 {
    chat_engine::protocol::limits::MAX_TEXT_SCALARS as u32
}
