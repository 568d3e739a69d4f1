//! Polling: ask with the last `seq` seen, `204` when nothing is new (seed 000). The others stand on it: what
//! is asked for once and what is sent go this way.

use super::http::{Got, Http, Purpose};
use super::long_polling::LongPolling;
use super::sse::Sse;
use super::websocket::WebSocket;
use super::{
    Answer, BadAnswer, Follow, Polled, TaggedRooms, Transport, TransportChoice, TransportError,
    TransportKind, check,
};
use crate::{EngineConfig, EngineError, Token};
use async_trait::async_trait;
use chat_protocol::limits::DEFAULT_PAGE;
use chat_protocol::{Message, MessageId, Page, ReadMarker, RoomId, Seq, TransactionId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Asks and tells; and has the ways to wait that the configuration wants.
pub struct Polling {
    http: Http,
    long_polling: Option<Arc<LongPolling>>,
    sse: Option<Arc<Sse>>,
    websocket: Option<Arc<WebSocket>>,
    requests: Arc<AtomicU64>,
}

impl Polling {
    /// Builds what `config.transport` wants; connects to nothing yet.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`] for an extra root that is no certificate or a `User-Agent` that is no header.
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        use TransportChoice::{Auto, Only};
        let requests = Arc::new(AtomicU64::new(0));
        let http = |purpose| Http::new(config, purpose, requests.clone());
        let timings = &config.timings;
        let answer_timeout = timings.answer_timeout;
        let hold = |silence| http(Purpose::Hold(silence));
        let long_polling =
            || hold(timings.long_poll + answer_timeout).map(|http| LongPolling::new(http, timings.long_poll));
        let sse = || hold(timings.stream_silence).map(|http| Sse::new(http, answer_timeout));
        let websocket = || {
            http(Purpose::Upgrade).map(|http| WebSocket::new(http, answer_timeout, timings.stream_silence))
        };
        let wanted = |kind| config.transport == Auto || config.transport == Only(kind);
        Ok(Self {
            http: http(Purpose::Ask)?,
            long_polling: wanted(TransportKind::LongPolling).then(long_polling).transpose()?.map(Arc::new),
            sse: wanted(TransportKind::Sse).then(sse).transpose()?.map(Arc::new),
            websocket: wanted(TransportKind::WebSocket).then(websocket).transpose()?.map(Arc::new),
            requests,
        })
    }
}

#[async_trait]
impl Transport for Polling {
    async fn changes(
        &self,
        room: RoomId,
        after: Option<Seq>,
        limit: u32,
        token: &Token,
    ) -> Result<Polled<Answer>, TransportError> {
        // What the server does unasked is not asked for: a silent room's polls are mostly header.
        let query = match (after, limit) {
            (Some(seq), DEFAULT_PAGE) => format!("after={seq}"),
            (Some(seq), limit) => format!("after={seq}&limit={limit}"),
            (None, limit) => format!("limit={limit}"),
        };
        let Got { body, interval, .. } = self.http.get_messages(room, &query, token).await?;
        let answer = match body {
            Some(body) => Answer::Page(check::page(&body, |page| check::changes(page, after))?),
            None if after.is_some() => Answer::Nothing,
            None => return Err(BadAnswer::Status(204).into()), // a first look always has a page
        };
        Ok(Polled { answer, interval })
    }

    async fn older(&self, room: RoomId, before: MessageId, token: &Token) -> Result<Page, TransportError> {
        let query = format!("before={before}&limit={DEFAULT_PAGE}");
        let body = self.http.get_messages(room, &query, token).await?.body;
        let body = body.ok_or(BadAnswer::Status(204))?;
        Ok(check::page(&body, |page| check::history(page, before))?)
    }

    async fn rooms(
        &self,
        known: Option<&str>,
        token: &Token,
    ) -> Result<Polled<Option<TaggedRooms>>, TransportError> {
        self.http.get_rooms(known, token).await
    }

    async fn send(
        &self,
        room: RoomId,
        transaction: &TransactionId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError> {
        // Where a socket is open, on that: the answer comes by the way the message went.
        if let Some(websocket) = &self.websocket
            && let Some(answer) = websocket.send(room, transaction, text).await
        {
            return answer;
        }
        self.http.post_message(room, transaction, text, token).await
    }

    async fn edit(
        &self,
        room: RoomId,
        message: MessageId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError> {
        check::same(message, self.http.patch_message(room, message, text, token).await?)
    }

    async fn delete(
        &self,
        room: RoomId,
        message: MessageId,
        token: &Token,
    ) -> Result<Message, TransportError> {
        check::same(message, self.http.delete_message(room, message, token).await?)
    }

    async fn mark_read(
        &self,
        room: RoomId,
        message: MessageId,
        token: &Token,
    ) -> Result<ReadMarker, TransportError> {
        self.http.put_read(room, message, token).await
    }

    fn follower(&self, kind: TransportKind) -> Option<Arc<dyn Follow>> {
        match kind {
            TransportKind::Polling => None,
            TransportKind::LongPolling => Some(self.long_polling.clone()? as Arc<dyn Follow>),
            TransportKind::Sse => Some(self.sse.clone()? as Arc<dyn Follow>),
            TransportKind::WebSocket => Some(self.websocket.clone()? as Arc<dyn Follow>),
        }
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}
