//! A WebSocket (RFC 6455): changes come down it, and what the user says goes up it. `tungstenite` speaks the
//! protocol; here is the handshake, over the same HTTP client as everything else, and what the frames mean.
//!
//! A task owns the socket, so that pings are answered and sends confirmed also while a batch is being
//! stored. It ends with the stream it feeds, or when the server is silent for two heartbeats, or does not
//! confirm a message in time: then the socket is dead, whatever the kernel says.

use super::http::{Http, classify};
use super::{Answer, BadAnswer, ChangeStream, Fault, Follow, TransportError};
use crate::Token;
use async_trait::async_trait;
use chat_protocol::limits::MAX_RESPONSE_BYTES;
use chat_protocol::{
    ClientFrame, CloseCode, Message, Page, RoomId, SUBPROTOCOL, Seq, ServerFrame, TransactionId,
};
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Response, Upgraded};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame};

/// Batches that may wait for the cache. Few: behind them the network holds back the server.
const BATCHES: usize = 4;

/// How long the close handshake may take before the connection is just dropped.
const CLOSE: Duration = Duration::from_secs(1);

/// WebSockets, one for each room that is followed.
pub(super) struct WebSocket {
    http: Http,
    answer_timeout: Duration,
    silence: Duration,
    open: Arc<Sockets>,
}

/// Where a room's task takes what is to be sent.
#[derive(Default)]
struct Sockets(Mutex<HashMap<RoomId, mpsc::Sender<Outgoing>>>);

impl Sockets {
    fn all(&self) -> MutexGuard<'_, HashMap<RoomId, mpsc::Sender<Outgoing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A room's place among [`Sockets`]; given up when dropped, unless the next socket has it already.
struct Registered {
    open: Arc<Sockets>,
    room: RoomId,
    outbox: mpsc::Sender<Outgoing>,
}

impl Registered {
    fn new(open: Arc<Sockets>, room: RoomId) -> (Self, mpsc::Receiver<Outgoing>) {
        let (outbox, outgoing) = mpsc::channel(1);
        open.all().insert(room, outbox.clone());
        (Self { open, room, outbox }, outgoing)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut all = self.open.all();
        if all.get(&self.room).is_some_and(|now| now.same_channel(&self.outbox)) {
            all.remove(&self.room);
        }
    }
}

/// A message on its way up.
struct Outgoing {
    transaction: TransactionId,
    text: String,
    answer: oneshot::Sender<Result<Message, TransportError>>,
}

impl WebSocket {
    /// The handshake, the first words and each confirmation have to come within `answer_timeout`, some sign
    /// of life within each `silence`.
    pub(super) fn new(http: Http, answer_timeout: Duration, silence: Duration) -> Self {
        Self { http, answer_timeout, silence, open: Arc::default() }
    }

    /// Says `text` on the room's socket; `None` when there is none.
    pub(super) async fn send(
        &self,
        room: RoomId,
        transaction: &TransactionId,
        text: &str,
    ) -> Option<Result<Message, TransportError>> {
        let socket = self.open.all().get(&room)?.clone();
        let (answer, answered) = oneshot::channel();
        let outgoing = Outgoing { transaction: transaction.clone(), text: text.to_owned(), answer };
        socket.send(outgoing).await.ok()?;
        // The task keeps the time; that it has ended says nothing about whether the message arrived.
        Some(answered.await.unwrap_or(Err(TransportError::new(Fault::Interrupted))))
    }

    async fn open(
        &self,
        room: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<(Socket, Answer), TransportError> {
        let key = generate_key();
        let response = self.http.get_socket(room, after, handshake(&key)?, token).await?;
        check_handshake(&response, &key)?;
        let upgraded = response.upgrade().await.map_err(|e| classify(&e))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_RESPONSE_BYTES))
            .max_frame_size(Some(MAX_RESPONSE_BYTES))
            .read_buffer_size(READ_BUFFER);
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        let mut socket = Socket { stream, last: after, waiting: HashMap::new() };
        loop {
            let frame = socket.stream.next().await;
            if let Some(answer) = socket.take(frame)? {
                return Ok((socket, answer));
            }
        }
    }
}

/// One page of ordinary messages comes in two reads; tungstenite's own 128 KiB would be held by every room.
const READ_BUFFER: usize = 16 << 10;

fn handshake(key: &str) -> Result<HeaderMap, TransportError> {
    let key = HeaderValue::try_from(key).map_err(|_| BadAnswer::Malformed)?;
    Ok(HeaderMap::from_iter([
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
        (SEC_WEBSOCKET_KEY, key),
    ]))
}

/// A `101` is for this handshake if it says so (RFC 6455 §4.1): a cache in between may repeat another's.
fn check_handshake(response: &Response, key: &str) -> Result<(), TransportError> {
    let says = |name, wanted: &str| {
        let value = response.headers().get(name).and_then(|v| v.to_str().ok());
        value.is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    let ours = accept == Some(derive_accept_key(key.as_bytes()).as_bytes());
    match ours && says(UPGRADE, "websocket") && says(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        true => Ok(()),
        false => Err(BadAnswer::Malformed.into()),
    }
}

#[async_trait]
impl Follow for WebSocket {
    async fn follow(
        &self,
        room: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<Box<dyn ChangeStream>, TransportError> {
        let opened = timeout(self.answer_timeout, self.open(room, after, token)).await;
        let (socket, first) = opened.unwrap_or(Err(TransportError::new(Fault::Timeout)))?;
        let (batches, changes) = mpsc::channel(BATCHES);
        let carrier = Carrier { socket, batches, answer_timeout: self.answer_timeout, silence: self.silence };
        let (registered, outgoing) = Registered::new(self.open.clone(), room);
        tokio::spawn(carrier.run(registered, outgoing));
        Ok(Box::new(Changes { first: Some(first), changes }))
    }
}

/// What the socket's task has heard.
struct Changes {
    first: Option<Answer>,
    changes: mpsc::Receiver<Result<Answer, TransportError>>,
}

#[async_trait]
impl ChangeStream for Changes {
    async fn next(&mut self) -> Result<Answer, TransportError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        self.changes.recv().await.unwrap_or(Err(TransportError::new(Fault::Interrupted)))
    }
}

/// A confirmation that is due.
struct Waiting {
    answer: oneshot::Sender<Result<Message, TransportError>>,
    due: Instant,
}

/// The task that owns a socket.
struct Carrier {
    socket: Socket,
    batches: mpsc::Sender<Result<Answer, TransportError>>,
    answer_timeout: Duration,
    silence: Duration,
}

impl Carrier {
    async fn run(mut self, registered: Registered, outgoing: mpsc::Receiver<Outgoing>) {
        let ended = self.carry(registered, outgoing).await;
        self.socket.waiting.clear();
        if let Some(error) = ended {
            // Behind the batches that were heard before it.
            let _ = self.batches.send(Err(error)).await;
        }
        // A close handshake, if there is anybody to shake hands with.
        let _ = timeout(CLOSE, self.socket.stream.close(None)).await;
    }

    /// Carries both ways until the socket is at its end, or nobody listens any more (`None`).
    async fn carry(
        &mut self,
        registered: Registered,
        mut outgoing: mpsc::Receiver<Outgoing>,
    ) -> Option<TransportError> {
        let mut registered = Some(registered);
        let mut heard = Instant::now();
        loop {
            let due = self.socket.waiting.values().map(|waiting| waiting.due).min();
            let dead = due.unwrap_or(heard + self.silence).min(heard + self.silence);
            // Nobody listens any more: what was said before is confirmed still, nothing further is said.
            if self.batches.is_closed() {
                registered = None;
                if self.socket.waiting.is_empty() {
                    return None;
                }
            }
            tokio::select! {
                () = self.batches.closed(), if registered.is_some() => {}
                () = sleep_until(dead) => return Some(TransportError::new(Fault::Timeout)),
                // A place for the batch first, then the batch: so none is ever held here.
                (place, frame) = async {
                    let place = self.batches.reserve().await.ok();
                    (place, self.socket.stream.next().await)
                } => {
                    heard = Instant::now();
                    match (self.socket.take(frame), place) {
                        (Ok(Some(answer)), Some(place)) => place.send(Ok(answer)),
                        (Ok(_), _) => {}
                        (Err(error), _) => return Some(error),
                    }
                }
                Some(message) = outgoing.recv(), if registered.is_some() => {
                    match timeout(self.answer_timeout, self.socket.say(message, self.answer_timeout)).await {
                        Ok(Ok(())) => {}
                        _ => return Some(TransportError::new(Fault::Interrupted)),
                    }
                }
            }
        }
    }
}

/// An open socket.
struct Socket {
    stream: WebSocketStream<Upgraded>,
    last: Seq,
    waiting: HashMap<TransactionId, Waiting>,
}

impl Socket {
    async fn say(&mut self, message: Outgoing, answer_timeout: Duration) -> Result<(), tungstenite::Error> {
        let Outgoing { transaction, text, answer } = message;
        let frame = ClientFrame::Send { transaction_id: transaction.clone(), text };
        // Two strings: writing them as JSON cannot fail.
        let json = serde_json::to_string(&frame).unwrap_or_default();
        self.waiting.insert(transaction, Waiting { answer, due: Instant::now() + answer_timeout });
        self.stream.send(Frame::text(json)).await
    }

    /// What a frame means: changes, a confirmation, or nothing to us.
    fn take(
        &mut self,
        frame: Option<Result<Frame, tungstenite::Error>>,
    ) -> Result<Option<Answer>, TransportError> {
        let text = match frame {
            Some(Ok(Frame::Text(text))) => text,
            Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => return Ok(None),
            Some(Ok(Frame::Binary(_))) => return Err(BadAnswer::ContentType.into()),
            Some(Ok(Frame::Close(reason))) => {
                let code = reason.and_then(|frame| CloseCode::from_number(frame.code.into()));
                return Err(match code {
                    Some(code) => TransportError::ended(code.code()),
                    None => TransportError::new(Fault::Interrupted),
                });
            }
            Some(Err(tungstenite::Error::Capacity(_))) => return Err(BadAnswer::TooLarge.into()),
            Some(Err(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_))) => {
                return Err(BadAnswer::Malformed.into());
            }
            Some(Err(_)) | None => return Err(TransportError::new(Fault::Interrupted)),
        };
        match serde_json::from_str(&text).map_err(|_| BadAnswer::Malformed)? {
            ServerFrame::Changes { messages, cursor } => self.changes(messages, cursor).map(Some),
            ServerFrame::Sent { transaction_id, message } => {
                self.answer(&transaction_id, Ok(message));
                Ok(None)
            }
            ServerFrame::Refused { transaction_id, problem, retry_after } => {
                let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds.into()));
                let error = TransportError::from_status(problem.status, Some(&problem), retry_after);
                self.answer(&transaction_id, Err(error));
                Ok(None)
            }
            ServerFrame::Unknown => Ok(None),
        }
    }

    fn changes(&mut self, messages: Vec<Message>, cursor: Seq) -> Result<Answer, TransportError> {
        let page = Page { messages, cursor, has_more: false };
        if page.messages.is_empty() && cursor == self.last {
            return Ok(Answer::Nothing);
        }
        super::check::changes(&page, Some(self.last))?;
        self.last = cursor;
        Ok(Answer::Page(page))
    }

    fn answer(&mut self, transaction: &TransactionId, answer: Result<Message, TransportError>) {
        if let Some(waiting) = self.waiting.remove(transaction) {
            // Whoever asked may have gone.
            let _ = waiting.answer.send(answer);
        }
    }
}
