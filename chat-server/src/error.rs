//! From failure to answer, in one place: every error of the server leaves as
//! `application/problem+json` with a stable code (RFC 9457).

use crate::hub::JoinError;
use crate::store::StoreError;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chat_protocol::limits::MAX_REQUEST_BYTES;
use chat_protocol::{ErrorCode, InvalidId, PROBLEM_CONTENT_TYPE, Problem, TextError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds until a client should try again. A full queue empties in less; the client adds jitter.
const RETRY_AFTER_SECONDS: u32 = 1;

/// An error on its way out.
#[derive(Debug)]
pub struct ApiError {
    problem: Problem,
    /// Seconds until it may be tried again, where that is known.
    retry_after: Option<u32>,
}

impl ApiError {
    /// An error of which the code says everything.
    pub fn new(code: ErrorCode) -> Self {
        Self::of(Problem::new(code))
    }

    /// An error with a word on this occurrence. Never message text, never a token.
    pub fn with_detail(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::of(Problem::new(code).detail(detail))
    }

    /// Too much was asked for; after `wait` there is more to be had.
    pub fn rate_limited(wait: Duration) -> Self {
        Self { retry_after: Some(whole_seconds(wait)), ..Self::new(ErrorCode::RateLimited) }
    }

    /// Not now; after `wait` perhaps.
    pub fn unavailable(detail: impl Into<String>, wait: Duration) -> Self {
        Self { retry_after: Some(whole_seconds(wait)), ..Self::with_detail(ErrorCode::Unavailable, detail) }
    }

    fn of(problem: Problem) -> Self {
        let later = matches!(problem.code, ErrorCode::Unavailable | ErrorCode::RateLimited);
        Self { problem, retry_after: later.then_some(RETRY_AFTER_SECONDS) }
    }

    /// Query, path, header or body cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::with_detail(ErrorCode::BadRequest, detail)
    }

    /// The body is beyond the limit.
    pub fn body_too_large() -> Self {
        Self::with_detail(ErrorCode::BodyTooLarge, format!("the limit is {MAX_REQUEST_BYTES} bytes"))
    }

    /// Seconds until it may be tried again, where it may.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The same without HTTP around it.
    pub(crate) fn into_problem(self) -> Problem {
        self.problem
    }

    /// The server's own fault. What happened goes to the log, not to the client.
    pub fn internal(why: &str) -> Self {
        tracing::error!(why, "internal error");
        Self::new(ErrorCode::Internal)
    }
}

/// While a database is away every request is turned away: that is one line in a while, not one each.
struct Seldom {
    /// The second of the last line, since 1970.
    last: AtomicU64,
    /// What had none since.
    others: AtomicU64,
}

impl Seldom {
    /// Between two lines. Somebody looks at the log by the minute.
    const SECONDS: u64 = 10;

    const fn new() -> Self {
        Self { last: AtomicU64::new(0), others: AtomicU64::new(0) }
    }

    /// Whether it is time for a line, and how often it was not since the last one.
    fn now(&self) -> Option<u64> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let last = self.last.load(Ordering::Relaxed);
        let due = now.abs_diff(last) >= Self::SECONDS;
        let mine = due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine {
            return Some(self.others.swap(0, Ordering::Relaxed));
        }
        self.others.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// What the header holds: not less than the wait, and not none.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::RoomNotFound => Self::new(ErrorCode::RoomNotFound),
            StoreError::NotAMember => Self::new(ErrorCode::NotAMember),
            StoreError::CursorAhead { newest } => {
                Self::with_detail(ErrorCode::CursorAhead, format!("the newest change is {newest}"))
            }
            StoreError::IdempotencyKeyReused => Self::new(ErrorCode::IdempotencyKeyReused),
            StoreError::MessageNotFound => Self::new(ErrorCode::MessageNotFound),
            StoreError::NotTheSender => Self::new(ErrorCode::NotTheSender),
            StoreError::MessageDeleted => Self::new(ErrorCode::MessageDeleted),
            StoreError::MarkerAhead { newest } => {
                Self::with_detail(ErrorCode::Invalid, format!("the newest message is {newest}"))
            }
            StoreError::Busy(why) => {
                static SAID: Seldom = Seldom::new();
                if let Some(others) = SAID.now() {
                    tracing::warn!(why, others, "turned away");
                }
                Self::new(ErrorCode::Unavailable)
            }
            StoreError::Failed(why) => Self::internal(why),
        }
    }
}

impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Store(error) => error.into(),
            JoinError::Full | JoinError::Closing => {
                Self::with_detail(ErrorCode::Unavailable, error.to_string())
            }
            JoinError::TooManyOfUser => Self::with_detail(ErrorCode::RateLimited, error.to_string()),
        }
    }
}

impl From<TextError> for ApiError {
    fn from(error: TextError) -> Self {
        let code = match error {
            TextError::Blank => ErrorCode::TextBlank,
            TextError::TooLong { .. } => ErrorCode::TextTooLong,
            TextError::Nul => ErrorCode::TextInvalid,
        };
        Self::with_detail(code, error.to_string())
    }
}

impl From<InvalidId> for ApiError {
    fn from(error: InvalidId) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { problem, retry_after } = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A problem is strings and a number: serialising it cannot fail.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_CONTENT_TYPE));
        match problem.code {
            ErrorCode::TokenMissing => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // RFC 6750, 3.1: a token that was given is named as the reason.
            ErrorCode::TokenExpired | ErrorCode::TokenRefused => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
            }
            _ => {}
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
