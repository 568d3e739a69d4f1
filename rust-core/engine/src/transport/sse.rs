//! Server-sent events (WHATWG HTML §9.2): one answer that goes on. `sse-stream` reads the format; here is what
//! the events mean, and when a stream is dead.
//!
//! The server's first words come at once. A stream whose head arrives and nothing after it is held back by
//! something in between, and no use: it counts as not opened. Later, silence longer than two heartbeats is
//! the end (the HTTP client's own read timeout).

use super::http::{Http, classify};
use super::{Answer, BadAnswer, ChangeStream, Fault, Follow, TransportError};
use crate::Token;
use async_trait::async_trait;
use bytes::Bytes;
use chat_protocol::limits::MAX_RESPONSE_BYTES;
use chat_protocol::{EVENT_END, EVENT_MESSAGE, Message, Page, Problem, RoomId, Seq};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use reqwest::Response;
use sse_stream::{Error, SseByteStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// Server-sent events over HTTP.
pub(super) struct Sse {
    http: Http,
    answer_timeout: Duration,
}

impl Sse {
    /// `http` gives up after a silence; the head and the first words have to come within `answer_timeout`.
    pub(super) fn new(http: Http, answer_timeout: Duration) -> Self {
        Self { http, answer_timeout }
    }
}

#[async_trait]
impl Follow for Sse {
    async fn follow(
        &self,
        room: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<Box<dyn ChangeStream>, TransportError> {
        let open = async {
            let mut response = self.http.get_events(room, after, token).await?;
            let first = response.chunk().await.map_err(|e| classify(&e))?.ok_or(cut())?;
            Ok((first, response))
        };
        let opened = timeout(self.answer_timeout, open).await;
        let (first, response) = opened.unwrap_or(Err(TransportError::new(Fault::Timeout)))?;
        Ok(Box::new(Events::new(first, response, after)))
    }
}

/// The stream ended without a word.
fn cut() -> TransportError {
    TransportError::new(Fault::Interrupted)
}

/// The events of one answer.
struct Events {
    events: SseByteStream<BoxStream<'static, Result<Bytes, TransportError>>>,
    /// Bytes since the last event: what the parser may be holding.
    pending: Arc<AtomicUsize>,
    last: Seq,
    ended: Option<TransportError>,
}

impl Events {
    fn new(first: Bytes, response: Response, after: Seq) -> Self {
        Self::read(stream::once(async { Ok(first) }).chain(chunks(response)).boxed(), after)
    }

    fn read(bytes: BoxStream<'static, Result<Bytes, TransportError>>, after: Seq) -> Self {
        let pending = Arc::new(AtomicUsize::new(0));
        let held = pending.clone();
        let bounded = bytes.map(move |chunk| {
            let chunk = chunk?;
            match held.fetch_add(chunk.len(), Ordering::Relaxed) > MAX_RESPONSE_BYTES {
                true => Err(BadAnswer::TooLarge.into()),
                false => Ok(chunk),
            }
        });
        Self { events: SseByteStream::new(bounded.boxed()), pending, last: after, ended: None }
    }

    /// What an event means: a message, or nothing to us, or the end.
    fn take(
        &mut self,
        event: Option<Result<sse_stream::Sse, Error>>,
    ) -> Result<Option<Message>, TransportError> {
        self.pending.store(0, Ordering::Relaxed);
        let event = event.ok_or(cut())?.map_err(|e| broken(&e))?;
        // Without data it is no event (WHATWG HTML §9.2.6).
        let Some(data) = event.data else { return Ok(None) };
        match event.event.as_deref() {
            None | Some("" | EVENT_MESSAGE) => {
                let message: Message = serde_json::from_str(&data).map_err(|_| BadAnswer::Malformed)?;
                if message.seq <= self.last {
                    return Err(BadAnswer::OutOfOrder.into());
                }
                self.last = message.seq;
                Ok(Some(message))
            }
            Some(EVENT_END) => {
                let problem: Problem = serde_json::from_str(&data).map_err(|_| BadAnswer::Malformed)?;
                Err(TransportError::ended(problem.code))
            }
            // Of a later version.
            Some(_) => Ok(None),
        }
    }
}

fn chunks(response: Response) -> impl futures_util::Stream<Item = Result<Bytes, TransportError>> {
    stream::unfold(response, |mut response| async {
        match response.chunk().await {
            Ok(chunk) => chunk.map(|chunk| (Ok(chunk), response)),
            Err(error) => Some((Err(classify(&error)), response)),
        }
    })
}

fn broken(error: &Error) -> TransportError {
    match error {
        Error::Body(cause) => cause.downcast_ref().cloned().unwrap_or(cut()),
        _ => BadAnswer::Malformed.into(),
    }
}

#[async_trait]
impl ChangeStream for Events {
    async fn next(&mut self) -> Result<Answer, TransportError> {
        if let Some(ended) = self.ended.clone() {
            return Err(ended);
        }
        // One wait for the first; what has arrived with it is taken without another, so nothing is held
        // here across a wait, and a burst is one batch for the cache.
        let mut messages = Vec::new();
        loop {
            let event = match messages.is_empty() {
                true => self.events.next().await,
                false => match self.events.next().now_or_never() {
                    Some(event) => event,
                    None => break,
                },
            };
            match self.take(event) {
                Ok(message) => messages.extend(message),
                // What came too soon cannot be told from what came too late: nothing of it is believed.
                Err(error) if matches!(error.fault, Fault::BadAnswer(_)) => return Err(error),
                Err(error) => {
                    self.ended = Some(error);
                    break;
                }
            }
        }
        match messages.last().map(|last| last.seq) {
            Some(cursor) => Ok(Answer::Page(Page { messages, cursor, has_more: false })),
            None => Err(self.ended.clone().unwrap_or(cut())),
        }
    }
}

#[cfg(test)]
mod tests;
