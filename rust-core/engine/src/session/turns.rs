//! Requests in turn: so many at once, first come, first served.

use super::{AuthorizedError, Session, Token};
use crate::transport::TransportError;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A session whose requests wait their turn. Many rooms ask one after the other, not all at once.
pub(crate) struct Turns {
    session: Arc<Session>,
    permits: Semaphore,
}

impl Turns {
    /// Lets `at_once` requests be under way.
    pub(crate) fn new(session: Arc<Session>, at_once: usize) -> Arc<Self> {
        Arc::new(Self { session, permits: Semaphore::new(at_once) })
    }

    /// The session, for what waits for no turn.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// As [`Session::authorized`], in turn. Who waits for a token takes no turn.
    pub(crate) async fn authorized<T, F, Fut>(&self, mut call: F) -> Result<T, AuthorizedError>
    where
        F: FnMut(Token) -> Fut,
        Fut: Future<Output = Result<T, TransportError>>,
    {
        let in_turn = |token| {
            let call = call(token);
            async {
                // Never closed, so there is always one to be had.
                let _permit = self.permits.acquire().await;
                call.await
            }
        };
        self.session.authorized(in_turn).await
    }
}
