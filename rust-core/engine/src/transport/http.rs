//! The HTTP beneath every transport: one client, one connection pool, bounded bodies.

use super::error::parse_retry_after;
use super::{BadAnswer, Fault, Polled, TaggedRooms, TransportError, tls};
use crate::{EngineConfig, EngineError, Token};
use chat_protocol::limits::MAX_RESPONSE_BYTES;
use chat_protocol::{
    EditMessage, IDEMPOTENCY_KEY, JITTER, MarkRead, Message, MessageId, POLL_INTERVAL, PROBLEM_CONTENT_TYPE,
    Problem, ReadMarker, RoomId, SendMessage, Seq, TransactionId,
};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Connections to one server. Cheap to share: keep-alive and HTTP/2 make all rooms use the same few.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    origin: Url,
    requests: Arc<AtomicU64>,
}

/// What a client of ours is for: how long it waits, and by which protocol it speaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Questions that are answered at once.
    Ask,
    /// Answers that the server holds back, or goes on with: silent for at most so long.
    Hold(Duration),
    /// Connections that become something else, which HTTP/2 ones cannot.
    Upgrade,
}

/// What came of `GET …/messages`, and what the server wishes about the next one.
#[derive(Debug)]
pub(super) struct Got {
    /// The body, or `None` for `204`.
    pub(super) body: Option<Vec<u8>>,
    /// [`POLL_INTERVAL`].
    pub(super) interval: Option<Duration>,
    /// [`JITTER`]; nothing when left out.
    pub(super) jitter: Duration,
}

/// An idle connection is kept this long. 90 s: longer than the longest backoff, so that coming back costs no
/// handshake, shorter than the usual 2 minutes after which middle boxes forget a connection without telling.
const POOL_IDLE: Duration = Duration::from_secs(90);

impl Http {
    /// Builds the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`] for an extra root that is no certificate or a `User-Agent` that is no header.
    pub(super) fn new(
        config: &EngineConfig,
        purpose: Purpose,
        requests: Arc<AtomicU64>,
    ) -> Result<Self, EngineError> {
        let invalid = |e: reqwest::Error| EngineError::InvalidConfig(format!("HTTP client: {e}"));
        let user_agent = match config.user_agent.as_str() {
            "" => concat!("chat-core/", env!("CARGO_PKG_VERSION")),
            given => given,
        };
        let timings = &config.timings;
        let builder = Client::builder()
            .user_agent(user_agent)
            .gzip(true)
            .connect_timeout(timings.answer_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .tcp_nodelay(true)
            // A redirect would carry the token to wherever it points; a captive portal answers with one.
            .redirect(reqwest::redirect::Policy::none());
        let builder = match purpose {
            Purpose::Ask => builder.read_timeout(timings.answer_timeout).timeout(timings.request_timeout),
            Purpose::Hold(silence) => builder.read_timeout(silence),
            Purpose::Upgrade => builder.read_timeout(timings.answer_timeout).http1_only(),
        };
        // A request that times out takes an HTTP/1.1 connection along; over HTTP/2 it leaves it to the next
        // request, dead as it may be. So who has waited long asks, before giving up, whether anybody is there.
        // What is held is asked late, when the server itself should have been heard: no radio wakes for that.
        let (asks, waits) = match purpose {
            Purpose::Ask | Purpose::Upgrade => (timings.answer_timeout / 2, timings.answer_timeout / 3),
            Purpose::Hold(silence) => (silence * 5 / 6, silence / 6),
        };
        let builder = builder.http2_keep_alive_interval(asks).http2_keep_alive_timeout(waits);
        let protocols: &[&[u8]] = match purpose {
            Purpose::Upgrade => &[b"http/1.1"],
            Purpose::Ask | Purpose::Hold(_) => &[b"h2", b"http/1.1"],
        };
        let builder = builder.tls_backend_preconfigured(tls::client_config(&config.trust, protocols)?);
        #[cfg(unix)]
        let builder = match &config.tunnel {
            Some(socket) => builder.unix_socket(socket.as_path()),
            None => builder,
        };
        let client = builder.build().map_err(invalid)?;
        Ok(Self { client, origin: config.account.origin.clone(), requests })
    }

    /// Something beneath `/v1/`.
    fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    fn messages(&self, room: RoomId, query: Option<&str>) -> Url {
        self.url(&format!("/v1/rooms/{room}/messages"), query)
    }

    fn message(&self, room: RoomId, id: MessageId) -> Url {
        self.url(&format!("/v1/rooms/{room}/messages/{id}"), None)
    }

    /// `GET …/messages?query`.
    pub(super) async fn get_messages(
        &self,
        room: RoomId,
        query: &str,
        token: &Token,
    ) -> Result<Got, TransportError> {
        let response = self.send(self.client.get(self.messages(room, Some(query))), token).await?;
        let interval = poll_interval(&response);
        let jitter = number(&response, JITTER).map(Duration::from_millis).unwrap_or_default();
        let body = match response.status() {
            StatusCode::NO_CONTENT => None,
            StatusCode::OK => Some(json_body(response).await?),
            _ => return Err(error_answer(response).await),
        };
        Ok(Got { body, interval, jitter: jitter.min(JITTER_CAP) })
    }

    /// `GET …/events?after=`: the head of a stream of events.
    pub(super) async fn get_events(
        &self,
        room: RoomId,
        after: Seq,
        token: &Token,
    ) -> Result<Response, TransportError> {
        let url = self.url(&format!("/v1/rooms/{room}/events"), Some(&format!("after={after}")));
        let request = self.client.get(url).header(ACCEPT, EVENT_STREAM);
        let response = self.send(request, token).await?;
        match response.status() {
            StatusCode::OK if has_type(response.headers(), EVENT_STREAM) => Ok(response),
            StatusCode::OK => Err(BadAnswer::ContentType.into()),
            _ => Err(error_answer(response).await),
        }
    }

    /// `GET …/socket?after=`, as a handshake with these headers: the `101`.
    pub(super) async fn get_socket(
        &self,
        room: RoomId,
        after: Seq,
        handshake: HeaderMap,
        token: &Token,
    ) -> Result<Response, TransportError> {
        let url = self.url(&format!("/v1/rooms/{room}/socket"), Some(&format!("after={after}")));
        let response = self.send(self.client.get(url).headers(handshake), token).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => Ok(response),
            _ => Err(error_answer(response).await),
        }
    }

    /// `GET /v1/rooms`: `None` for `304`.
    pub(super) async fn get_rooms(
        &self,
        known: Option<&str>,
        token: &Token,
    ) -> Result<Polled<Option<TaggedRooms>>, TransportError> {
        let mut request = self.client.get(self.url("/v1/rooms", None));
        if let Some(tag) = known {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = self.send(request, token).await?;
        let interval = poll_interval(&response);
        let tag = response.headers().get(ETAG).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let answer = match response.status() {
            StatusCode::NOT_MODIFIED if known.is_some() => None,
            StatusCode::OK => {
                let rooms = parse(&json_body(response).await?)?;
                Some(TaggedRooms { rooms, tag })
            }
            _ => return Err(error_answer(response).await),
        };
        Ok(Polled { answer, interval })
    }

    /// `POST …/messages`.
    pub(super) async fn post_message(
        &self,
        room: RoomId,
        transaction: &TransactionId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError> {
        let request =
            self.client.post(self.messages(room, None)).header(IDEMPOTENCY_KEY, transaction.as_str());
        let body = SendMessage { text: text.to_owned() };
        self.exchange(request, Some(&body), StatusCode::CREATED, token).await
    }

    /// `PATCH …/messages/{id}`.
    pub(super) async fn patch_message(
        &self,
        room: RoomId,
        id: MessageId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError> {
        let body = EditMessage { text: text.to_owned() };
        self.exchange(self.client.patch(self.message(room, id)), Some(&body), StatusCode::OK, token).await
    }

    /// `DELETE …/messages/{id}`.
    pub(super) async fn delete_message(
        &self,
        room: RoomId,
        id: MessageId,
        token: &Token,
    ) -> Result<Message, TransportError> {
        self.exchange(self.client.delete(self.message(room, id)), None::<&()>, StatusCode::OK, token).await
    }

    /// `PUT …/read`.
    pub(super) async fn put_read(
        &self,
        room: RoomId,
        id: MessageId,
        token: &Token,
    ) -> Result<ReadMarker, TransportError> {
        let request = self.client.put(self.url(&format!("/v1/rooms/{room}/read"), None));
        self.exchange(request, Some(&MarkRead { id }), StatusCode::OK, token).await
    }

    /// Sends `body` and reads the answer, which has to come with the status that means success here.
    async fn exchange<B: Serialize, T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        body: Option<&B>,
        success: StatusCode,
        token: &Token,
    ) -> Result<T, TransportError> {
        let request = match body {
            Some(body) => {
                let body = serde_json::to_vec(body).map_err(|_| BadAnswer::Malformed)?;
                request.header(CONTENT_TYPE, "application/json").body(body)
            }
            None => request,
        };
        let response = self.send(request, token).await?;
        if response.status() != success {
            return Err(error_answer(response).await);
        }
        parse(&json_body(response).await?)
    }

    async fn send(&self, request: RequestBuilder, token: &Token) -> Result<Response, TransportError> {
        // A token with a line break in it cannot be sent, so it cannot be right either.
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret()))
            .map_err(|_| TransportError::new(Fault::Unauthorized))?;
        value.set_sensitive(true);
        self.requests.fetch_add(1, Ordering::Relaxed);
        // No `Accept` of our own where the server has one kind of answer: a poll is mostly header.
        request.header(AUTHORIZATION, value).send().await.map_err(|e| classify(&e))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, TransportError> {
    serde_json::from_slice(body).map_err(|_| BadAnswer::Malformed.into())
}

/// The server's wish for the time between two polls.
fn poll_interval(response: &Response) -> Option<Duration> {
    Some(Duration::from_secs(number(response, POLL_INTERVAL)?).min(POLL_INTERVAL_CAP))
}

fn number(response: &Response, header: &str) -> Option<u64> {
    response.headers().get(header)?.to_str().ok()?.trim().parse().ok()
}

/// The longest wish that is kept: beyond it a typing error on a server would silence a room for days.
const POLL_INTERVAL_CAP: Duration = Duration::from_secs(600);

/// The longest spread that is kept, for the same reason. A hundred thousand waiters fit into it.
const JITTER_CAP: Duration = Duration::from_secs(10);

/// The media type of server-sent events.
const EVENT_STREAM: &str = "text/event-stream";

/// Reads a JSON body, of at most [`MAX_RESPONSE_BYTES`] after decompression.
async fn json_body(response: Response) -> Result<Vec<u8>, TransportError> {
    if !has_type(response.headers(), "application/json") {
        return Err(BadAnswer::ContentType.into());
    }
    body(response).await
}

async fn body(mut response: Response) -> Result<Vec<u8>, TransportError> {
    let announced = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    if announced > MAX_RESPONSE_BYTES {
        return Err(BadAnswer::TooLarge.into());
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|e| classify(&e))? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(BadAnswer::TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn error_answer(response: Response) -> TransportError {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| parse_retry_after(v, SystemTime::now()));
    // A page for people comes from something in between, a hotel's network or a proxy that has lost
    // its server; its "401" says nothing about our session.
    if has_type(response.headers(), "text/html") && (400..500).contains(&status) {
        return TransportError { retry_after, ..BadAnswer::Status(status).into() };
    }
    let problem = if has_type(response.headers(), PROBLEM_CONTENT_TYPE) {
        body(response).await.ok().and_then(|b| serde_json::from_slice::<Problem>(&b).ok())
    } else {
        None
    };
    TransportError::from_status(status, problem.as_ref(), retry_after)
}

fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(wanted))
}

pub(super) fn classify(error: &reqwest::Error) -> TransportError {
    let fault = if error.is_timeout() {
        Fault::Timeout
    } else if is_tls(error) && error.is_connect() {
        Fault::Tls
    } else if error.is_connect() {
        Fault::Offline
    } else {
        Fault::Interrupted
    };
    TransportError::new(fault)
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        // `source()` of an io::Error passes over the error it wraps; rustls is behind one, or two.
        cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
