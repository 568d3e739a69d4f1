//! How the session stands.

use crate::ListenerError;
use std::sync::Arc;

/// How the session stands.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum SessionState {
    /// As far as is known the server takes its tokens.
    Active,
    /// The server refused a fresh token. Nothing is asked of it until `resume_session`.
    Ended,
}

/// Hears how the session stands.
#[uniffi::export(foreign)]
pub trait SessionListener: Send + Sync {
    /// It ended, told once, or a new one has begun. On a thread of the library; must not wait.
    ///
    /// # Errors
    /// An exception is without effect.
    fn on_session(&self, state: SessionState) -> Result<(), ListenerError>;
}

pub(crate) struct Adapter(pub(crate) Arc<dyn SessionListener>);

impl chat_engine::SessionListener for Adapter {
    fn on_session(&self, state: chat_engine::SessionState) {
        let state = match state {
            chat_engine::SessionState::Active => SessionState::Active,
            chat_engine::SessionState::Ended => SessionState::Ended,
        };
        if self.0.on_session(state).is_err() {
            log::warn!("the state of the session was not taken in");
        }
    }
}
