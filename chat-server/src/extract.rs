//! Reading requests: path, query, headers and body, each with the error the wire promises.

use crate::error::ApiError;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use bytes::{Bytes, BytesMut};
use chat_protocol::limits::{DEFAULT_PAGE, MAX_PAGE, MAX_REQUEST_BYTES, MAX_WAIT_SECONDS};
use chat_protocol::{ErrorCode, IDEMPOTENCY_KEY, MessageId, RoomId, Seq, TransactionId, UserId};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::time::Duration;
use utoipa::IntoParams;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::store::PageRequest;

/// How long a body may take. 64 KB in 30 s is 2 KB/s, slower than 2G; who needs longer is holding
/// the connection open.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of an oversized body is read and thrown away. Closing on unread bytes resets the
/// connection, and the client would see that instead of the `413`.
const MOST_DISCARDED: usize = 4 << 20;

/// The room of the path.
pub(crate) struct InRoom(pub(crate) RoomId);

impl<S: Send + Sync> FromRequestParts<S> for InRoom {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(room) = Path::<String>::from_request_parts(parts, state).await.map_err(unreadable_path)?;
        Ok(Self(room.parse()?))
    }
}

/// The room and the user of the path.
pub(crate) struct Membership(pub(crate) RoomId, pub(crate) UserId);

impl<S: Send + Sync> FromRequestParts<S> for Membership {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path((room, user)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(unreadable_path)?;
        Ok(Self(room.parse()?, user.parse()?))
    }
}

/// The room and the message of the path.
pub(crate) struct OneMessage(pub(crate) RoomId, pub(crate) MessageId);

impl<S: Send + Sync> FromRequestParts<S> for OneMessage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path((room, id)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(unreadable_path)?;
        Ok(Self(room.parse()?, id.parse()?))
    }
}

// Not the rejection's own words: they repeat what the client sent.
fn unreadable_path(_: PathRejection) -> ApiError {
    ApiError::bad_request("the path cannot be read")
}

fn unreadable_query(_: QueryRejection) -> ApiError {
    ApiError::bad_request("the query cannot be read, or names a parameter twice")
}

/// As it stands in the address, and in the document.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RawPageQuery {
    /// The cursor: what has changed since.
    #[param(value_type = Option<Seq>)]
    after: Option<String>,
    /// The oldest message known: what was before it.
    #[param(value_type = Option<MessageId>)]
    before: Option<String>,
    /// Most messages in the page.
    #[param(schema_with = limit_schema)]
    limit: Option<String>,
    /// Seconds to hold the answer for, while nothing is new. The server holds it no longer than it sees fit.
    #[param(schema_with = wait_schema)]
    wait: Option<String>,
}

fn limit_schema() -> Object {
    let limit =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_PAGE as usize));
    limit.default(Some(DEFAULT_PAGE.into())).build()
}

fn wait_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).examples([MAX_WAIT_SECONDS]).build()
}

/// `?after=`, `?before=`, `?limit=` and `?wait=`, each at most once. Parameters of other names are ignored, so
/// that an older server serves a newer client.
pub(crate) struct PageQuery {
    pub(crate) request: PageRequest,
    /// How long the client would like the answer to be held until something is new.
    pub(crate) wait: Duration,
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = Query::<RawPageQuery>::from_request_parts(parts, state).await;
        let Query(raw) = raw.map_err(unreadable_query)?;
        let limit = match raw.limit.as_deref() {
            None => DEFAULT_PAGE,
            Some(given) => page_limit(given)?,
        };
        let wait = match (raw.wait.as_deref(), &raw.after) {
            (None, _) => 0,
            (Some(_), None) => return Err(ApiError::bad_request("wait needs after")),
            (Some(given), Some(_)) => seconds(given)?,
        };
        let request = match (raw.after, raw.before) {
            (Some(_), Some(_)) => return Err(ApiError::bad_request("after and before exclude each other")),
            (Some(after), None) => PageRequest::After { cursor: after.parse()?, limit },
            (None, Some(before)) => PageRequest::Before { id: before.parse()?, limit },
            (None, None) => PageRequest::Newest { limit },
        };
        Ok(Self { request, wait: Duration::from_secs(wait) })
    }
}

fn page_limit(given: &str) -> Result<u32, ApiError> {
    let digits = given.starts_with(|c: char| c.is_ascii_digit()); // `parse` would take "+7"
    match given.parse() {
        Ok(limit @ 1..=MAX_PAGE) if digits => Ok(limit),
        _ => Err(ApiError::bad_request(format!("limit is a whole number from 1 to {MAX_PAGE}"))),
    }
}

/// Whole seconds. More than any number holds is as good as the most that one does.
fn seconds(given: &str) -> Result<u64, ApiError> {
    if given.is_empty() || !given.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::bad_request("wait is a whole number of seconds"));
    }
    Ok(given.parse().unwrap_or(u64::MAX))
}

/// Where a stream of events begins: after `Last-Event-ID`, which a browser sends when it comes back to
/// the address it began with, or else after `?after=`.
pub(crate) struct EventsAfter(pub(crate) Seq);

impl<S: Send + Sync> FromRequestParts<S> for EventsAfter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let After(after) = After::from_request_parts(parts, state).await?;
        let mut given = parts.headers.get_all("last-event-id").iter();
        let last = match (given.next(), given.next()) {
            (Some(_), Some(_)) => return Err(ApiError::bad_request("Last-Event-ID is given twice")),
            (last, _) => last.map(|last| last.to_str().unwrap_or_default().parse()).transpose()?,
        };
        last.or(after).map(Self).ok_or_else(|| ApiError::bad_request("after or Last-Event-ID is needed"))
    }
}

#[derive(Deserialize)]
struct RawAfter {
    after: Option<String>,
}

/// `?after=`, at most once.
pub(crate) struct After(pub(crate) Option<Seq>);

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = Query::<RawAfter>::from_request_parts(parts, state).await.map_err(unreadable_query)?;
        Ok(Self(raw.after.as_deref().map(str::parse).transpose()?))
    }
}

/// The caller's key for what is to be made once.
pub(crate) struct IdempotencyKey(pub(crate) TransactionId);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let key = given.next().ok_or_else(|| ApiError::new(ErrorCode::IdempotencyKeyMissing))?;
        if given.next().is_some() {
            return Err(ApiError::bad_request("Idempotency-Key is given twice"));
        }
        let key = key.to_str().map_err(|_| ApiError::bad_request("Idempotency-Key is not ASCII"))?;
        Ok(Self(TransactionId::new(key)?))
    }
}

/// Where it is not needed.
impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        match parts.headers.contains_key(IDEMPOTENCY_KEY) {
            false => Ok(None),
            true => <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some),
        }
    }
}

/// A JSON body of the size the wire allows.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType));
        }
        let body = tokio::time::timeout(BODY_TIMEOUT, read(request.into_body())).await;
        // `503`, not `400`: a network that slow gets better, and the same request will do then.
        let body = body.map_err(|_| {
            ApiError::with_detail(ErrorCode::Unavailable, "the body did not arrive in time")
        })??;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            // The place only: serde's own words quote the value, which may be what somebody wrote.
            let place = format!("at line {}, column {}", error.line(), error.column());
            match error.classify() {
                Category::Data => ApiError::with_detail(
                    ErrorCode::Invalid,
                    format!("a field is missing, unknown or of a wrong value {place}"),
                ),
                _ => ApiError::bad_request(format!("the body is not JSON {place}")),
            }
        })
    }
}

/// `application/json`, with or without parameters, in any case.
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

async fn read(mut body: Body) -> Result<Bytes, ApiError> {
    let mut read = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bad_request("the body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size <= MAX_REQUEST_BYTES {
            read.extend_from_slice(&data);
        } else if size > MOST_DISCARDED {
            break;
        }
    }
    if size > MAX_REQUEST_BYTES { Err(ApiError::body_too_large()) } else { Ok(read.freeze()) }
}
