//! The token: held here, asked for once, however many requests want one at the same time.
//!
//! ```text
//!            token wanted                 provider answers
//!   empty ───────────────▶ asking ─────────────────────────▶ held
//!                            ▲  │ provider has none: everybody waiting is told "unavailable"
//!            401 (refused)   │  ▼
//!   held ────────────────────┘ empty
//!   held ── 401 with a token that was asked for after a 401 ──▶ ended, until `resume`
//!           and that the server has not taken since
//! ```
//!
//! Asking is a task of its own: a caller that is cancelled while it waits (a room stopped) takes
//! the question away from nobody else. A 401 names the token that met it, so the second of two
//! requests refused together finds a newer one held and just tries again with that.

mod turns;

pub(crate) use turns::Turns;

use crate::transport::{Fault, TransportError};
use async_trait::async_trait;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// For how long a token that nobody has used counts as fresh: no issuer gives one for less. Later it may have run out.
const FRESH: Duration = Duration::from_secs(60);

/// A bearer token. Shows nothing of itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// Wraps a token as the server's issuer gave it.
    pub fn new(secret: impl Into<Arc<str>>) -> Self {
        Self(secret.into())
    }

    /// The token itself, for the `Authorization` header only.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The app has no token to give now; to be asked again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenUnavailable;

/// Where tokens come from: the app.
#[async_trait]
pub trait TokenProvider: Send + Sync + 'static {
    /// A token to use now. `refused` says that the last one given met a `401`, so a cached copy will not do.
    ///
    /// # Errors
    /// [`TokenUnavailable`] when there is none at the moment (the app is offline itself).
    async fn token(&self, refused: bool) -> Result<Token, TokenUnavailable>;
}

/// A provider with one token for ever: for command lines and tests.
#[derive(Debug)]
pub struct StaticToken(pub Token);

#[async_trait]
impl TokenProvider for StaticToken {
    async fn token(&self, _refused: bool) -> Result<Token, TokenUnavailable> {
        Ok(self.0.clone())
    }
}

/// Why a call that needs a token did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizedError {
    /// No token to be had now; worth another try later.
    TokenUnavailable,
    /// The session is over: a fresh token was refused too.
    SessionEnded,
    /// The call itself failed, and not for want of a token.
    Transport(TransportError),
}

impl From<TransportError> for AuthorizedError {
    fn from(error: TransportError) -> Self {
        AuthorizedError::Transport(error)
    }
}

/// The token of an account and the one place that renews it.
pub struct Session {
    provider: Arc<dyn TokenProvider>,
    timeout: Duration,
    state: Mutex<State>,
    resumed: watch::Sender<u64>,
    standing: watch::Sender<SessionState>,
}

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// As far as is known the server takes its tokens.
    Active,
    /// The server refused a fresh token. Nothing is asked of it until [`crate::Engine::resume_session`].
    Ended,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    asking: Option<watch::Receiver<Option<Result<Held, TokenUnavailable>>>>,
    asked: u64,
    /// The last token that the server has taken.
    taken: u64,
    ended: bool,
}

/// A token and which asking brought it.
#[derive(Clone)]
struct Held {
    token: Token,
    number: u64,
    /// Given in the place of one that was refused: when.
    renewed: Option<Instant>,
}

enum Step {
    Use(Held),
    Wait(watch::Receiver<Option<Result<Held, TokenUnavailable>>>),
    Ended,
}

impl Session {
    /// A session that will ask `provider`, waiting up to `timeout` for each answer.
    pub fn new(provider: Arc<dyn TokenProvider>, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            provider,
            timeout,
            state: Mutex::default(),
            resumed: watch::Sender::new(0),
            standing: watch::Sender::new(SessionState::Active),
        })
    }

    /// Makes `call` with a token; on a `401` asks for another, once, and makes it once more.
    ///
    /// # Errors
    /// See [`AuthorizedError`].
    pub async fn authorized<T, F, Fut>(self: &Arc<Self>, mut call: F) -> Result<T, AuthorizedError>
    where
        F: FnMut(Token) -> Fut,
        Fut: Future<Output = Result<T, TransportError>>,
    {
        let first = self.token(None).await?;
        match call(first.token.clone()).await {
            Err(TransportError { fault: Fault::Unauthorized, .. }) => {}
            other => return self.answered(first.number, other),
        }
        // Another request may have had it renewed a moment ago.
        if self.is_fresh(first.number) && self.end(first.number) {
            return Err(AuthorizedError::SessionEnded);
        }
        let second = self.token(Some(first.number)).await?;
        match call(second.token.clone()).await {
            Err(TransportError { fault: Fault::Unauthorized, .. }) => {
                // Unless somebody has a newer token by now: then it is not the session that is over.
                Err(match self.end(second.number) {
                    true => AuthorizedError::SessionEnded,
                    false => AuthorizedError::TokenUnavailable,
                })
            }
            other => self.answered(second.number, other),
        }
    }

    /// Notes that the server takes token `number`, if it has.
    fn answered<T>(&self, number: u64, answer: Result<T, TransportError>) -> Result<T, AuthorizedError> {
        if answer.is_ok() {
            let mut state = self.state();
            state.taken = state.taken.max(number);
        }
        answer.map_err(AuthorizedError::Transport)
    }

    /// Whether token `number` was given just now in the place of one refused, and has never been taken.
    fn is_fresh(&self, number: u64) -> bool {
        let state = self.state();
        let fresh = |held: &Held| held.renewed.is_some_and(|given| given.elapsed() < FRESH);
        state.taken < number && state.held.as_ref().is_some_and(|held| held.number == number && fresh(held))
    }

    /// The token to use now, whatever comes of it.
    ///
    /// # Errors
    /// [`AuthorizedError::TokenUnavailable`], [`AuthorizedError::SessionEnded`].
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Token, AuthorizedError> {
        Ok(self.token(None).await?.token)
    }

    /// A stream was ended because `token` is no longer good: has another in its place, asked for once
    /// however many streams it ended.
    ///
    /// # Errors
    /// [`AuthorizedError::TokenUnavailable`], [`AuthorizedError::SessionEnded`].
    pub(crate) async fn renew(self: &Arc<Self>, token: &Token) -> Result<(), AuthorizedError> {
        let number = self.state().held.as_ref().filter(|held| held.token == *token).map(|held| held.number);
        match number {
            Some(refused) => self.token(Some(refused)).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Forgets that the session ended, and the token: the user has logged in again.
    pub fn resume(&self) {
        {
            let mut state = self.state();
            state.ended = false;
            state.held = None;
            // A question still open was the old session's; its answer is nobody's any more.
            state.asking = None;
            state.asked += 1;
            self.standing
                .send_if_modified(|now| std::mem::replace(now, SessionState::Active) != SessionState::Active);
        }
        self.resumed.send_modify(|n| *n += 1);
    }

    /// How the session stands, and will.
    pub(crate) fn standing(&self) -> watch::Receiver<SessionState> {
        self.standing.subscribe()
    }

    /// Changes whenever [`Session::resume`] is called.
    pub(crate) fn resumed(&self) -> watch::Receiver<u64> {
        self.resumed.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session is over, if the token refused is still the newest. Tells whether.
    fn end(&self, number: u64) -> bool {
        let mut state = self.state();
        // Asked for again, or resumed, meanwhile: what was refused is not the token of today.
        let over = state.asked == number;
        if over {
            state.held = None;
            state.ended = true;
            // Once, however many requests find out.
            let ended =
                |now: &mut SessionState| std::mem::replace(now, SessionState::Ended) != SessionState::Ended;
            self.standing.send_if_modified(ended);
        }
        over
    }

    /// A token other than the `refused` one.
    async fn token(self: &Arc<Self>, refused: Option<u64>) -> Result<Held, AuthorizedError> {
        match self.step(refused) {
            Step::Use(held) => Ok(held),
            Step::Ended => Err(AuthorizedError::SessionEnded),
            Step::Wait(mut answer) => {
                let answer = answer.wait_for(Option::is_some).await.map(|a| a.clone());
                match answer {
                    Ok(Some(Ok(held))) => Ok(held),
                    // Also when the asking task was dropped: the engine is closing.
                    _ => Err(AuthorizedError::TokenUnavailable),
                }
            }
        }
    }

    fn step(self: &Arc<Self>, refused: Option<u64>) -> Step {
        let mut state = self.state();
        if state.ended {
            return Step::Ended;
        }
        if let Some(held) = &state.held {
            if refused.is_none_or(|number| number < held.number) {
                return Step::Use(held.clone());
            }
            state.held = None;
        }
        // A question whose task died (the provider panicked) is closed, and asked anew.
        if let Some(asking) = state.asking.as_ref().filter(|a| a.has_changed().is_ok()) {
            return Step::Wait(asking.clone());
        }
        let (answer, asking) = watch::channel(None);
        state.asking = Some(asking.clone());
        state.asked += 1;
        tokio::spawn(self.clone().ask(refused.is_some(), state.asked, answer));
        Step::Wait(asking)
    }

    async fn ask(
        self: Arc<Self>,
        refused: bool,
        number: u64,
        answer: watch::Sender<Option<Result<Held, TokenUnavailable>>>,
    ) {
        let token = tokio::time::timeout(self.timeout, self.provider.token(refused)).await;
        let result = token.unwrap_or(Err(TokenUnavailable)).map(|token| Held {
            token,
            number,
            renewed: refused.then(Instant::now),
        });
        {
            let mut state = self.state();
            if state.asked == number {
                state.asking = None;
                state.held = result.as_ref().ok().cloned();
            }
        }
        // Nobody may be waiting any more; the token is held all the same.
        let _ = answer.send(Some(result));
    }
}

#[cfg(test)]
mod tests;
