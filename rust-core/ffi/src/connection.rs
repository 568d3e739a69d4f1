//! What a room's job is doing, in uniffi's clothes.

use chat_engine as engine;
use chat_engine::poller::JobError;
use chat_engine::transport::Fault;

/// What a room's job is doing.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum ConnectionState {
    /// Started; no answer yet.
    Connecting,
    /// The server answers; changes are heard of in this way.
    Live {
        /// The transport in use.
        transport: Transport,
    },
    /// The last poll was not; the job is alive and tries again.
    Waiting {
        /// What went wrong.
        error: ConnectionError,
        /// How many tries in a row have failed.
        attempt: u32,
        /// Milliseconds until the next one.
        retry_in_ms: u64,
    },
    /// The job is over, until it is started again. One that ended with its session goes on with the next.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// A way to hear of a room's changes.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum Transport {
    /// Asking again and again.
    Polling,
    /// A question that is answered when there is something to tell.
    LongPolling,
    /// Server-sent events.
    Sse,
    /// A WebSocket.
    WebSocket,
}

/// Which way shall be used.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum TransportChoice {
    /// Polling.
    Polling,
    /// Long polling; and polling for as long as that cannot be had.
    LongPolling,
    /// Server-sent events; and polling for as long as these cannot be had.
    Sse,
    /// A WebSocket; and polling for as long as that cannot be had.
    WebSocket,
    /// The richest that works.
    Auto,
}

impl From<engine::TransportKind> for Transport {
    fn from(kind: engine::TransportKind) -> Self {
        match kind {
            engine::TransportKind::Polling => Transport::Polling,
            engine::TransportKind::LongPolling => Transport::LongPolling,
            engine::TransportKind::Sse => Transport::Sse,
            engine::TransportKind::WebSocket => Transport::WebSocket,
        }
    }
}

impl From<TransportChoice> for engine::TransportChoice {
    fn from(choice: TransportChoice) -> Self {
        use engine::{TransportChoice::Only, TransportKind};
        match choice {
            TransportChoice::Polling => Only(TransportKind::Polling),
            TransportChoice::LongPolling => Only(TransportKind::LongPolling),
            TransportChoice::Sse => Only(TransportKind::Sse),
            TransportChoice::WebSocket => Only(TransportKind::WebSocket),
            TransportChoice::Auto => engine::TransportChoice::Auto,
        }
    }
}

/// What a waiting job waits out.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum ConnectionError {
    /// No connection: no network, no such host, refused.
    Offline,
    /// The secure connection was refused, by either side.
    Tls,
    /// No complete answer in time.
    Timeout,
    /// The connection broke, or the answer ended early.
    Interrupted,
    /// The server failed.
    Server,
    /// The server wants fewer requests.
    RateLimited,
    /// The answer was not what the protocol says.
    BadAnswer,
    /// The server knows less than the cache, as after being set back.
    CursorAhead,
    /// The app had no token to give.
    TokenUnavailable,
    /// The answer could not be stored, for want of space perhaps.
    Storage,
}

/// Why a job ended by itself.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum EndReason {
    /// The server refused a fresh token. What is unsent is kept.
    SessionEnded,
    /// The user is not, or no longer, in the room.
    NotAMember,
    /// The room does not exist, or no longer.
    RoomNotFound,
}

impl From<engine::ConnectionState> for ConnectionState {
    fn from(state: engine::ConnectionState) -> Self {
        match state {
            engine::ConnectionState::Connecting => ConnectionState::Connecting,
            engine::ConnectionState::Live { transport } => {
                ConnectionState::Live { transport: transport.into() }
            }
            engine::ConnectionState::Waiting { error, attempt, retry_in } => ConnectionState::Waiting {
                error: ConnectionError::from(&error),
                attempt,
                retry_in_ms: u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX),
            },
            engine::ConnectionState::Ended(reason) => ConnectionState::Ended { reason: reason.into() },
        }
    }
}

impl From<engine::EndReason> for EndReason {
    fn from(reason: engine::EndReason) -> Self {
        match reason {
            engine::EndReason::SessionEnded => EndReason::SessionEnded,
            engine::EndReason::NotAMember => EndReason::NotAMember,
            engine::EndReason::RoomNotFound => EndReason::RoomNotFound,
        }
    }
}

impl From<&JobError> for ConnectionError {
    fn from(error: &JobError) -> Self {
        let fault = match error {
            JobError::TokenUnavailable => return ConnectionError::TokenUnavailable,
            JobError::Storage(_) => return ConnectionError::Storage,
            JobError::Transport(error) => error.fault,
        };
        match fault {
            Fault::Offline => ConnectionError::Offline,
            Fault::Tls => ConnectionError::Tls,
            Fault::Timeout => ConnectionError::Timeout,
            Fault::Interrupted => ConnectionError::Interrupted,
            Fault::RateLimited => ConnectionError::RateLimited,
            Fault::BadAnswer(_) => ConnectionError::BadAnswer,
            Fault::CursorAhead => ConnectionError::CursorAhead,
            // The rest ends a room or refuses a message; as a state of a job it is the server's fault.
            _ => ConnectionError::Server,
        }
    }
}
