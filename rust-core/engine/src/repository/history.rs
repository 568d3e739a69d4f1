//! Older messages: out of the cache as long as it has them, then from the server.
//!
//! # Invariants
//! * One flight at a time: whoever asks while one is under way is answered with it.
//! * A page of history joins exactly below the floor, in the transaction that lowers it; what lands
//!   above meanwhile is none of its business. Changes that polling brings to messages below the floor
//!   are kept, hidden, so a page that was cut before such a change cannot undo it (highest `seq` wins).
//! * An answer comes to everybody who asked, also when the engine closes, and after the listener has
//!   been told of the messages.

use super::Feed;
use crate::EngineError;
use crate::cache::Cache;
use crate::poller::{EndReason, Failure, Fetch, JobError};
use chat_protocol::limits::DEFAULT_PAGE;
use std::sync::{Arc, Mutex, PoisonError};

/// What came of asking for older messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Whether there are older ones still.
    pub has_older: bool,
}

/// Why no older messages came. Nothing is changed, and asking again is always right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The server could not be asked, or its answer not be stored.
    #[error(transparent)]
    Failed(#[from] JobError),
    /// The session or the room is over.
    #[error("the session or the room is over")]
    Ended(EndReason),
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
}

type Answer = Box<dyn FnOnce(Result<Loaded, LoadError>) + Send>;

/// Somebody waiting; dropped unanswered, it is answered that the engine is closed.
struct Waiting(Option<Answer>);

impl Waiting {
    fn answer(mut self, result: Result<Loaded, LoadError>) {
        if let Some(answer) = self.0.take() {
            answer(result);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(answer) = self.0.take() {
            answer(Err(LoadError::Closed));
        }
    }
}

/// A screen's way into the past.
pub(crate) struct History {
    pub(crate) fetch: Arc<Fetch>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) feed: Arc<Feed>,
    /// Who waits for the flight under way.
    waiting: Mutex<Vec<Waiting>>,
}

impl History {
    pub(crate) fn new(fetch: Arc<Fetch>, cache: Arc<Cache>, feed: Arc<Feed>) -> Arc<Self> {
        Arc::new(Self { fetch, cache, feed, waiting: Mutex::default() })
    }

    /// Asks for older messages; `answer` hears what came of it.
    pub(crate) fn load(self: &Arc<Self>, handle: &tokio::runtime::Handle, answer: Answer) {
        let alone = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Waiting(Some(answer)));
            waiting.len() == 1
        };
        if alone {
            let flight = Flight(Some(self.clone()));
            handle.spawn(flight.fly());
        }
    }

    async fn older(&self) -> Result<Loaded, LoadError> {
        loop {
            let shown = self.cache.read(|c| self.feed.extend(c)).map_err(|error| match error {
                EngineError::Closed => LoadError::Closed,
                other => LoadError::Failed(other.into()),
            })?;
            match shown {
                Extended::Shown { has_older } => return Ok(Loaded { has_older }),
                Extended::NotKnown => self.fetch.first_look().await.map_err(LoadError::from)?,
                Extended::AtTheEnd => return Ok(Loaded { has_older: false }),
                Extended::AskFor { before } => self.fetch.older(before).await.map_err(LoadError::from)?,
            }
        }
    }
}

/// What the cache had to offer.
pub(crate) enum Extended {
    /// Older messages are on their way to the listener.
    Shown {
        /// Whether there are more.
        has_older: bool,
    },
    /// The cache has no more, the server has.
    AskFor {
        /// The floor.
        before: chat_protocol::MessageId,
    },
    /// There are none.
    AtTheEnd,
    /// The room has not been looked at yet.
    NotKnown,
}

/// A flight under way. However it ends, dropped or in a panic, everybody waiting is answered.
struct Flight(Option<Arc<History>>);

impl Flight {
    async fn fly(mut self) {
        let Some(history) = self.0.clone() else { return };
        let result = history.older().await;
        let waiting = self.land();
        history.feed.then(Box::new(move || waiting.into_iter().for_each(|w| w.answer(result.clone()))));
    }

    /// Everybody who waits; whoever asks from now on begins another flight.
    fn land(&mut self) -> Vec<Waiting> {
        let Some(history) = self.0.take() else { return Vec::new() };
        std::mem::take(&mut *history.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        drop(self.land());
    }
}

impl From<Failure> for LoadError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::End(reason) => LoadError::Ended(reason),
            Failure::Later { error, .. } => LoadError::Failed(error),
        }
    }
}

/// How many older messages come at once: a page of the server's.
pub(crate) const OLDER: usize = DEFAULT_PAGE as usize;
