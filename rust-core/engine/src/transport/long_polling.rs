//! Long polling: a question that the server holds back until there is something to tell (seeds 001 and 002).
//!
//! A thousand phones that wait in one room are all answered at once, and would all ask again at once. So the
//! server says over how much time they should spread ([`chat_protocol::JITTER`]), and each hold is a little
//! shorter than the longest, by chance, so that those who were answered together part again.

use super::http::{Got, Http};
use super::{Answer, BadAnswer, ChangeStream, Follow, TransportError, check};
use crate::Token;
use async_trait::async_trait;
use chat_protocol::{RoomId, Seq};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Long polling over HTTP.
pub(super) struct LongPolling {
    http: Arc<Http>,
    hold: Duration,
}

impl LongPolling {
    /// Asks to be held for up to `hold`. `http` has more patience than that.
    pub(super) fn new(http: Http, hold: Duration) -> Self {
        Self { http: Arc::new(http), hold }
    }
}

#[async_trait]
impl Follow for LongPolling {
    async fn follow(
        &self,
        room: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<Box<dyn ChangeStream>, TransportError> {
        let (http, token) = (self.http.clone(), token.clone());
        Ok(Box::new(Held { http, hold: self.hold, room, after, token, not_before: None, asked: None }))
    }
}

/// A question and its next, one at a time.
struct Held {
    http: Arc<Http>,
    hold: Duration,
    room: RoomId,
    after: Seq,
    token: Token,
    not_before: Option<Instant>,
    /// The question that is out. Kept here, so that it stays out when nobody waits for it for a moment.
    asked: Option<BoxFuture<'static, Result<Got, TransportError>>>,
}

impl Held {
    fn ask(&self) -> BoxFuture<'static, Result<Got, TransportError>> {
        let (http, room, token, not_before) =
            (self.http.clone(), self.room, self.token.clone(), self.not_before);
        let wait = self.hold.mul_f64(1.0 - fastrand::f64() / 5.0).as_secs().max(1);
        let query = format!("after={}&wait={wait}", self.after);
        Box::pin(async move {
            if let Some(not_before) = not_before {
                sleep_until(not_before).await;
            }
            let asked = Instant::now();
            let got = http.get_messages(room, &query, &token).await?;
            // A server that does not hold would be asked as fast as the network carries.
            match got.body.is_none() && asked.elapsed() < Duration::from_secs(wait) / 2 {
                true => Err(BadAnswer::Status(204).into()),
                false => Ok(got),
            }
        })
    }
}

#[async_trait]
impl ChangeStream for Held {
    async fn next(&mut self) -> Result<Answer, TransportError> {
        let asked = self.asked.take().unwrap_or_else(|| self.ask());
        let got = self.asked.insert(asked).await;
        self.asked = None;
        let Got { body, jitter, .. } = got?;
        self.not_before = (!jitter.is_zero()).then(|| Instant::now() + jitter.mul_f64(fastrand::f64()));
        let Some(body) = body else { return Ok(Answer::Nothing) };
        let page = check::page(&body, |page| check::changes(page, Some(self.after)))?;
        self.after = page.cursor;
        Ok(Answer::Page(page))
    }
}
