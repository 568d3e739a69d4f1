//! The HTTP beneath every transport: one client, one connection pool, bounded bodies.

use super::error::parse_retry_after;
use super::{BadAnswer, Fault, TransportError, tls};
use crate::{EngineConfig, EngineError, Token};
use chat_protocol::limits::MAX_RESPONSE_BYTES;
use chat_protocol::{
    IDEMPOTENCY_KEY, Message, PROBLEM_CONTENT_TYPE, Problem, RoomId, SendMessage, TransactionId,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
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

    fn url(&self, room: RoomId) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v1/rooms/{room}/messages"));
        url
    }

    /// `GET …/messages?query`: the body, or `None` for `204`.
    pub(super) async fn get_messages(
        &self,
        room: RoomId,
        query: &str,
        token: &Token,
    ) -> Result<Option<Vec<u8>>, TransportError> {
        let mut url = self.url(room);
        url.set_query(Some(query));
        let response = send(self.client.get(url), token).await?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(None),
            StatusCode::OK => json_body(response).await.map(Some),
            _ => Err(error_answer(response).await),
        }
    }

    /// `POST …/messages`.
    pub(super) async fn post_message(
        &self,
        room: RoomId,
        transaction: &TransactionId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError> {
        let body =
            serde_json::to_vec(&SendMessage { text: text.to_owned() }).map_err(|_| BadAnswer::Malformed)?;
        let request = self
            .client
            .post(self.url(room))
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, transaction.as_str())
            .body(body);
        let response = send(request, token).await?;
        match response.status() {
            StatusCode::CREATED => {
                let body = json_body(response).await?;
                serde_json::from_slice(&body).map_err(|_| BadAnswer::Malformed.into())
            }
            _ => Err(error_answer(response).await),
        }
    }
}

async fn send(request: RequestBuilder, token: &Token) -> Result<Response, TransportError> {
    // A token with a line break in it cannot be sent, so it cannot be right either.
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret()))
        .map_err(|_| TransportError::new(Fault::Unauthorized))?;
    value.set_sensitive(true);
    request
        .header(AUTHORIZATION, value)
        .header(ACCEPT, "application/json")
        .send()
        .await
        .map_err(|e| classify(&e))
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
    } else if is_tls(error) {
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
