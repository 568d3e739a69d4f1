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
    asked: Option<BoxFuture<'static, Result<(Answer, Duration), TransportError>>>,
}

impl Held {
    /// Asks, in a while perhaps. The answer comes with the time over which to spread the next question.
    fn ask(&self) -> BoxFuture<'static, Result<(Answer, Duration), TransportError>> {
        let (http, room, after, token, not_before) =
            (self.http.clone(), self.room, self.after, self.token.clone(), self.not_before);
        let wait = self.hold.mul_f64(1.0 - fastrand::f64() / 5.0).as_secs().max(1);
        Box::pin(async move {
            if let Some(not_before) = not_before {
                sleep_until(not_before).await;
            }
            let asked = Instant::now();
            let query = format!("after={after}&wait={wait}");
            let Got { body, jitter, .. } = http.get_messages(room, &query, &token).await?;
            if let Some(body) = body {
                let page = check::page(&body, |page| check::changes(page, Some(after)))?;
                if !page.messages.is_empty() {
                    return Ok((Answer::Page(page), jitter));
                }
            }
            // A server that holds nothing back would be asked as fast as the network carries.
            match asked.elapsed() < LEAST_HOLD.min(Duration::from_secs(wait) / 2) {
                true => Err(BadAnswer::Status(204).into()),
                false => Ok((Answer::Nothing, jitter)),
            }
        })
    }
}

/// A server that has nothing to tell sooner than this does not hold questions back. 5 s: some may hold them for
/// less time than they are asked to, and below this polling, which slows down with the room, is cheaper.
const LEAST_HOLD: Duration = Duration::from_secs(5);

#[async_trait]
impl ChangeStream for Held {
    async fn next(&mut self) -> Result<Answer, TransportError> {
        let asked = self.asked.take().unwrap_or_else(|| self.ask());
        let answered = self.asked.insert(asked).await;
        self.asked = None;
        let (answer, jitter) = answered?;
        self.not_before = (!jitter.is_zero()).then(|| Instant::now() + jitter.mul_f64(fastrand::f64()));
        if let Answer::Page(page) = &answer {
            self.after = page.cursor;
        }
        Ok(answer)
    }
}
