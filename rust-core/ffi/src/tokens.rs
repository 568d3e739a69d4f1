//! Tokens come from Kotlin: asked for by a call that returns at once, answered by another.

use crate::ListenerError;
use async_trait::async_trait;
use chat_engine::{Token, TokenProvider, TokenUnavailable};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Where tokens come from: the app.
#[uniffi::export(foreign)]
pub trait TokenSource: Send + Sync {
    /// A token is wanted. Called on a thread of the library, and must return at once; answer with
    /// [`crate::ChatCore::supply_token`], from any thread, within thirty seconds. `refused` says that
    /// the last token met a `401`. Asked once, however many requests wait for the answer.
    ///
    /// # Errors
    /// An exception counts as "none now".
    fn on_token_wanted(&self, request: u64, refused: bool) -> Result<(), ListenerError>;
}

/// The questions that Kotlin has not answered yet.
pub(crate) struct Tokens {
    source: Arc<dyn TokenSource>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    last: u64,
    open: HashMap<u64, oneshot::Sender<Option<String>>>,
}

impl Tokens {
    pub(crate) fn new(source: Arc<dyn TokenSource>) -> Arc<Self> {
        Arc::new(Self { source, asked: Mutex::default() })
    }

    pub(crate) fn supply(&self, request: u64, token: Option<String>) {
        let open = self.asked.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&request);
        // Unknown: answered twice, or nobody waits any more.
        if let Some(open) = open {
            let _ = open.send(token);
        }
    }
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, refused: bool) -> Result<Token, TokenUnavailable> {
        let (answer, token) = oneshot::channel();
        let request = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            // Closed: the session gave up waiting. Its answer is of no use to anybody.
            asked.open.retain(|_, waiting| !waiting.is_closed());
            asked.last += 1;
            let request = asked.last;
            asked.open.insert(request, answer);
            request
        };
        if self.source.on_token_wanted(request, refused).is_err() {
            log::error!("the token source threw");
            return Err(TokenUnavailable);
        }
        match token.await {
            Ok(Some(token)) if !token.is_empty() => Ok(Token::new(token)),
            _ => Err(TokenUnavailable),
        }
    }
}
