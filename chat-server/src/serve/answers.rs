//! Answers that nobody takes.
//!
//! hyper asks a body for its next piece when it can send the one before. A peer that opens no window (HTTP/2), or
//! reads a byte now and then, keeps it from that for as long as it likes, and to the kernel the connection looks
//! well. So here is noted when each answer was last asked, and a connection ends when one was not for too long;
//! with it go the answers' memory and, of those that are streams, the places in their rooms.
//!
//! # Invariants
//! - Answers are given out in pieces of [`PIECE_BYTES`], so that who reads at all asks for another in time.
//! - A stream that is idle and well is asked too: at each heartbeat, which comes sooner than anybody's patience
//!   ends.
//! - An answer counts until its last piece is written, though hyper lets go of the body before that.

use axum::body::Body;
use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A frame of HTTP/2, of the size that every peer takes (RFC 9113, 4.2).
const PIECE_BYTES: usize = 16 << 10;

/// The answers that one connection has not written yet.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<Weak<Asked>>>>);

/// When an answer was last asked for a piece.
struct Asked(Mutex<Instant>);

impl Answers {
    /// Notes from now on when `response` is taken from.
    pub(super) fn watch(&self, response: Response<Body>) -> Response<Answer> {
        response.map(|body| {
            // What has no body is written with its head.
            let asked = (!body.is_end_stream()).then(|| Arc::new(Asked(Mutex::new(Instant::now()))));
            if let Some(asked) = &asked {
                let mut answers = lock(&self.0);
                answers.retain(|answer| answer.strong_count() > 0);
                answers.push(Arc::downgrade(asked));
            }
            Answer { body, rest: Bytes::new(), asked }
        })
    }

    /// Ready when nobody has taken anything from one of them for so long, or a quarter longer.
    pub(super) async fn left_lying(&self, patience: Duration) {
        loop {
            let due = self.longest().unwrap_or_else(Instant::now) + patience;
            if due <= Instant::now() {
                return;
            }
            // Not at once, so that an answer begun now is due then, too: waking up to no purpose has hyper
            // look into its buffers, and take another piece.
            sleep_until(due + patience / 4).await;
        }
    }

    /// Whether each was given out and written.
    pub(super) fn are_taken(&self) -> bool {
        lock(&self.0).iter().all(|answer| answer.strong_count() == 0)
    }

    fn longest(&self) -> Option<Instant> {
        lock(&self.0).iter().filter_map(Weak::upgrade).map(|answer| *lock(&answer.0)).min()
    }
}

/// A body that notes when it is asked.
pub(super) struct Answer {
    body: Body,
    /// What it gave and was not given on yet.
    rest: Bytes,
    asked: Option<Arc<Asked>>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(asked) = &self.asked {
            *lock(&asked.0) = Instant::now();
        }
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let mut piece = self.rest.split_to(length);
        if self.is_end_stream() {
            piece = Bytes::from_owner(Last { piece, _asked: self.asked.take() });
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(body.lower() + rest);
        hint
    }
}

/// Stands for its answer until it is written.
struct Last {
    piece: Bytes,
    _asked: Option<Arc<Asked>>,
}

impl AsRef<[u8]> for Last {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

/// Nothing under either lock can panic half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
