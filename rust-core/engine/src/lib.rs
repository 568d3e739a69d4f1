//! The chat engine: keeps rooms in step with a server, keeps them on the device, and sends what
//! the user writes, once. It knows neither Kotlin nor Android; `chat-core-ffi` and `chat-cli` are
//! built on it alike.
//!
//! # Layers
//! Data flows one way, and each layer knows only the one it reads from:
//!
//! ```text
//! transport → poller → cache (one transaction a batch) → repository → listener
//! outbox    → transport → cache
//! ```
//!
//! * [`transport`] asks the server and classifies what went wrong, once.
//! * [`poller`] is one actor per open room: wanted state, cadence, backoff.
//! * [`cache`] is SQLite: the only place where messages live.
//! * [`repository`] turns what was committed into snapshots and diffs for a screen.
//! * [`outbox`] sends what the user wrote, in order, on as many tries as it takes.
//! * [`session`] holds the token and asks for another once, however many requests want one.
//!
//! # Threads
//! [`Engine`] owns a tokio runtime of two workers named `chat-core`. SQLite runs on them directly:
//! a transaction is one batch and takes a millisecond or two, less than a hop to a thread of its
//! own would cost on every poll (ADR 0004). Every public function may be called from any thread
//! and returns without waiting for the network; [`Engine::close`] alone waits, for a bounded time.

pub mod cache;
mod config;
mod engine;
mod error;
pub mod outbox;
pub mod poller;
pub mod repository;
mod room;
mod rooms;
mod runtime;
pub mod session;
pub mod transport;

pub use config::{Account, EngineConfig, Timings};
pub use engine::{Engine, SessionListener, Traffic};
pub use error::EngineError;
pub use poller::{ConnectionState, EndReason};
pub use repository::{
    ChangeState, DeliveryState, FailureReason, ItemKey, LastMessage, ListenerFailed, LoadError, Loaded,
    RoomListItem, RoomListListener, RoomListener, RoomStatus, TimelineItem, TimelineUpdate,
};
pub use room::Room;
pub use rooms::RoomList;
pub use runtime::ThreadHook;
pub use session::{SessionState, StaticToken, Token, TokenProvider, TokenUnavailable};
pub use transport::{Distrust, ServerTrust, TransportChoice, TransportKind, Trust};

/// What crosses the wire, for those who build on the engine.
pub use chat_protocol as protocol;
