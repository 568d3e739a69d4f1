//! What can go wrong between here and the server, classified once. The retry policy is a property
//! of the error ([`TransportError::retry`]), so no caller has one of its own.

use crate::poller::EndReason;
use chat_protocol::{ErrorCode, Problem};
use std::time::{Duration, SystemTime};

/// A request that did not bring what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct TransportError {
    /// What went wrong.
    pub fault: Fault,
    /// The server's `Retry-After`, if it sent one: no retry before.
    pub retry_after: Option<Duration>,
}

/// What went wrong. No variant carries text from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No connection: no network, no such host, refused.
    #[error("cannot connect")]
    Offline,
    /// The secure connection was refused, by us or by the server.
    #[error("cannot connect securely")]
    Tls,
    /// No complete answer in time.
    #[error("timed out")]
    Timeout,
    /// The connection broke, or the body ended early.
    #[error("interrupted")]
    Interrupted,
    /// `5xx`.
    #[error("server error {status}")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// `429`.
    #[error("too many requests")]
    RateLimited,
    /// An answer this library cannot take at its word.
    #[error("bad answer: {0}")]
    BadAnswer(BadAnswer),
    /// `409 cursor_ahead`: the server knows less than the cache. It may have been set back; what is cached stays.
    #[error("the server is behind the cache")]
    CursorAhead,
    /// `401`.
    #[error("the token is refused")]
    Unauthorized,
    /// `403 not_a_member`.
    #[error("not a member of the room")]
    NotAMember,
    /// `404 room_not_found` or `410 room_gone`.
    #[error("no such room")]
    RoomNotFound,
    /// Another `4xx`: this request will never be accepted.
    #[error("refused with {status} {}", code.as_str())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's code.
        code: ErrorCode,
    },
}

/// Why an answer was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// A status that protocol v1 does not use here, a redirect for one (a captive portal).
    #[error("unexpected status {0}")]
    Status(u16),
    /// Not `application/json`.
    #[error("not JSON by its content type")]
    ContentType,
    /// Not what the protocol says, or not JSON at all.
    #[error("malformed")]
    Malformed,
    /// Over [`chat_protocol::limits::MAX_RESPONSE_BYTES`].
    #[error("too large")]
    TooLarge,
    /// Changes that do not continue from the cursor asked after.
    #[error("out of order")]
    OutOfOrder,
}

/// What to do about a [`TransportError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try again after a backoff, and not before `at_least`.
    Later {
        /// The server's own wish.
        at_least: Duration,
    },
    /// Ask for another token, then try once more.
    WithNewToken,
    /// The room is over for this user.
    EndRoom(EndReason),
    /// This one request will never succeed; others may.
    Never,
}

impl TransportError {
    /// The longest `Retry-After` that is believed: beyond it a typing error on a server would silence a phone for days.
    pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(3600);

    /// An error without a `Retry-After`.
    pub fn new(fault: Fault) -> Self {
        Self { fault, retry_after: None }
    }

    /// A stream whose server has ended it, saying why.
    pub(super) fn ended(code: ErrorCode) -> Self {
        Self::new(match code {
            ErrorCode::TokenExpired | ErrorCode::TokenRefused => Fault::Unauthorized,
            ErrorCode::NotAMember => Fault::NotAMember,
            ErrorCode::RoomNotFound | ErrorCode::RoomGone => Fault::RoomNotFound,
            ErrorCode::RateLimited => Fault::RateLimited,
            // It stops, or we were too slow: the next one goes on from the cursor.
            _ => Fault::Interrupted,
        })
    }

    /// What to do about it.
    pub fn retry(&self) -> Retry {
        match self.fault {
            Fault::Unauthorized => Retry::WithNewToken,
            Fault::NotAMember => Retry::EndRoom(EndReason::NotAMember),
            Fault::RoomNotFound => Retry::EndRoom(EndReason::RoomNotFound),
            Fault::Refused { .. } => Retry::Never,
            Fault::Offline
            | Fault::Tls
            | Fault::Timeout
            | Fault::Interrupted
            | Fault::Server { .. }
            | Fault::RateLimited
            | Fault::CursorAhead
            | Fault::BadAnswer(_) => Retry::Later { at_least: self.retry_after.unwrap_or_default() },
        }
    }

    /// Classifies an error answer. `problem` is its body, where that could be read.
    pub(super) fn from_status(status: u16, problem: Option<&Problem>, retry_after: Option<Duration>) -> Self {
        let code = problem.map_or(ErrorCode::Unknown, |p| p.code);
        let fault = match status {
            401 => Fault::Unauthorized,
            // A room ends, and a message fails, by our server's word only; a load balancer says 404 as well, a
            // firewall 400.
            403 if code == ErrorCode::NotAMember => Fault::NotAMember,
            404 | 410 if matches!(code, ErrorCode::RoomNotFound | ErrorCode::RoomGone) => Fault::RoomNotFound,
            403 | 404 | 410
                if matches!(
                    code,
                    ErrorCode::NotTheSender | ErrorCode::MessageNotFound | ErrorCode::MessageDeleted
                ) =>
            {
                Fault::Refused { status, code }
            }
            403 | 404 | 410 => Fault::BadAnswer(BadAnswer::Status(status)),
            408 => Fault::Timeout,
            409 if code == ErrorCode::CursorAhead => Fault::CursorAhead,
            429 => Fault::RateLimited,
            400..=499 if code != ErrorCode::Unknown => Fault::Refused { status, code },
            500..=599 => Fault::Server { status },
            _ => Fault::BadAnswer(BadAnswer::Status(status)),
        };
        Self { fault, retry_after: retry_after.map(|wait| wait.min(Self::RETRY_AFTER_CAP)) }
    }
}

impl From<BadAnswer> for TransportError {
    fn from(bad: BadAnswer) -> Self {
        Self::new(Fault::BadAnswer(bad))
    }
}

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds or an HTTP date. Anything else counts as absent.
pub(super) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let wait = match value.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value.trim()).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(TransportError::RETRY_AFTER_CAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_and_is_bounded() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("99999999", now), Some(TransportError::RETRY_AFTER_CAP));
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn no_wish_to_be_left_alone_is_believed_for_days_by_whichever_way_it_came() {
        let told = TransportError::from_status(503, None, Some(Duration::from_secs(u64::from(u32::MAX))));
        assert_eq!(told.retry_after, Some(TransportError::RETRY_AFTER_CAP));
    }

    #[test]
    fn only_unauthorised_and_the_end_of_a_room_are_not_tried_again_by_themselves() {
        let told = |code| {
            TransportError::from_status(Problem::new(code).status, Some(&Problem::new(code)), None).retry()
        };
        assert_eq!(told(ErrorCode::NotAMember), Retry::EndRoom(EndReason::NotAMember));
        assert_eq!(told(ErrorCode::RoomNotFound), Retry::EndRoom(EndReason::RoomNotFound));
        assert_eq!(told(ErrorCode::RoomGone), Retry::EndRoom(EndReason::RoomNotFound));
        let retry = |status| TransportError::from_status(status, None, None).retry();
        assert_eq!(retry(401), Retry::WithNewToken);
        assert_eq!(told(ErrorCode::TextInvalid), Retry::Never);
        for status in [302, 400, 403, 404, 408, 410, 421, 422, 425, 429, 500, 502, 503, 504] {
            assert_eq!(retry(status), Retry::Later { at_least: Duration::ZERO }, "{status}");
        }
    }
}
