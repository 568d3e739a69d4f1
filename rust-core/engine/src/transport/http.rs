//! The HTTP beneath every transport: one client, one connection pool, bounded bodies.

use super::error::parse_retry_after;
use super::{BadAnswer, Fault, Polled, TaggedRooms, TransportError, tls};
use crate::{EngineConfig, EngineError, Token};
use chat_protocol::limits::MAX_RESPONSE_BYTES;
use chat_protocol::{
    EditMessage, IDEMPOTENCY_KEY, MarkRead, Message, MessageId, POLL_INTERVAL, PROBLEM_CONTENT_TYPE, Problem,
    ReadMarker, RoomId, SendMessage, TransactionId,
};
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::{Duration, SystemTime};

/// Connections to one server. Cheap to share: keep-alive and HTTP/2 make all rooms use the same few.
#[derive(Debug)]
pub struct Http {
    client: Client,
    origin: Url,
}

/// An idle connection is kept this long. 90 s: longer than the longest backoff, so that coming back costs no
/// handshake, shorter than the usual 2 minutes after which middle boxes forget a connection without telling.
const POOL_IDLE: Duration = Duration::from_secs(90);

impl Http {
    /// Builds the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`] for an extra root that is no certificate or a `User-Agent` that is no header.
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let invalid = |e: reqwest::Error| EngineError::InvalidConfig(format!("HTTP client: {e}"));
        let user_agent = match config.user_agent.as_str() {
            "" => concat!("chat-core/", env!("CARGO_PKG_VERSION")),
            given => given,
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(&config.extra_roots)?)
            .user_agent(user_agent)
            .gzip(true)
            .connect_timeout(config.timings.answer_timeout)
            .read_timeout(config.timings.answer_timeout)
            .timeout(config.timings.request_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .tcp_nodelay(true)
            // A redirect would carry the token to wherever it points; a captive portal answers with one.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(invalid)?;
        Ok(Self { client, origin: config.account.origin.clone() })
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

    /// `GET …/messages?query`: the body, or `None` for `204`.
    pub(super) async fn get_messages(
        &self,
        room: RoomId,
        query: &str,
        token: &Token,
    ) -> Result<Polled<Option<Vec<u8>>>, TransportError> {
        let response = send(self.client.get(self.messages(room, Some(query))), token).await?;
        let interval = poll_interval(&response);
        let answer = match response.status() {
            StatusCode::NO_CONTENT => None,
            StatusCode::OK => Some(json_body(response).await?),
            _ => return Err(error_answer(response).await),
        };
        Ok(Polled { answer, interval })
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
        let response = send(request, token).await?;
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
        exchange(request, Some(&body), StatusCode::CREATED, token).await
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
        exchange(self.client.patch(self.message(room, id)), Some(&body), StatusCode::OK, token).await
    }

    /// `DELETE …/messages/{id}`.
    pub(super) async fn delete_message(
        &self,
        room: RoomId,
        id: MessageId,
        token: &Token,
    ) -> Result<Message, TransportError> {
        exchange(self.client.delete(self.message(room, id)), None::<&()>, StatusCode::OK, token).await
    }

    /// `PUT …/read`.
    pub(super) async fn put_read(
        &self,
        room: RoomId,
        id: MessageId,
        token: &Token,
    ) -> Result<ReadMarker, TransportError> {
        let request = self.client.put(self.url(&format!("/v1/rooms/{room}/read"), None));
        exchange(request, Some(&MarkRead { id }), StatusCode::OK, token).await
    }
}

/// Sends `body` and reads the answer, which has to come with the status that means success here.
async fn exchange<B: Serialize, T: DeserializeOwned>(
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
    let response = send(request, token).await?;
    if response.status() != success {
        return Err(error_answer(response).await);
    }
    parse(&json_body(response).await?)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, TransportError> {
    serde_json::from_slice(body).map_err(|_| BadAnswer::Malformed.into())
}

/// The server's wish for the time between two polls.
fn poll_interval(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.headers().get(POLL_INTERVAL)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(POLL_INTERVAL_CAP))
}

/// The longest wish that is kept: beyond it a typing error on a server would silence a room for days.
const POLL_INTERVAL_CAP: Duration = Duration::from_secs(600);

async fn send(request: RequestBuilder, token: &Token) -> Result<Response, TransportError> {
    // A token with a line break in it cannot be sent, so it cannot be right either.
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret()))
        .map_err(|_| TransportError::new(Fault::Unauthorized))?;
    value.set_sensitive(true);
    // No `Accept` of our own: the server has one kind of answer, and a poll is mostly header.
    request.header(AUTHORIZATION, value).send().await.map_err(|e| classify(&e))
}

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

fn classify(error: &reqwest::Error) -> TransportError {
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
