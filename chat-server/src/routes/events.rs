//! `GET /v1/rooms/{room}/events`: what changes in a room, as server-sent events (WHATWG HTML, 9.2).
//!
//! A comment and `retry:` at once, then the changes, with a comment for a heartbeat whenever there was
//! silence; at the end `event: end` and why. The body is written by hand: it is a few hundred bytes while
//! nothing happens, and holds nothing of the request.

use crate::access_log::Ending;
use crate::app::App;
use crate::auth::Listening;
use crate::error::ApiError;
use crate::extract::{EventsAfter, InRoom};
use crate::hub::{Event, Join, Rendering, Subscription};
use crate::openapi::{self, IN_ROOM, TOKEN, problems};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chat_protocol::{CloseCode, EVENT_END, ErrorCode, Problem, RoomId, Seq};
use hyper::body::Frame;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Milliseconds after which a browser comes back by itself, another number for each stream: those who are
/// sent away together shall not come back together.
const RETRY_MS: Range<u32> = 1_000..3_000;

/// What a proxy that buffers answers (nginx and those who follow it) is told.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

problems! {
    Streaming: TOKEN, IN_ROOM, &[ErrorCode::CursorAhead];
}

/// Listen to a room: server-sent events
///
/// A comment and `retry:` at once; then what has changed since the cursor, and what changes from now on, each as
/// `event: message`, `id:` its `seq`, `data:` a `Message`. A comment is a sign of life. When the server ends the
/// stream it says why: `event: end`, `data:` a `Problem`; come back with the last `seq`, unless the `code` says
/// that there is no way back.
///
/// A browser's `EventSource` cannot set `Authorization`; read the stream by `fetch`.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/events",
    tag = "Streams",
    operation_id = "streamEvents",
    params(
        ("room" = RoomId, Path),
        ("after" = Option<Seq>, Query, description = "The cursor. Needed, unless `Last-Event-ID` is given."),
        ("Last-Event-ID" = Option<Seq>, Header, description = "The cursor too; wins over `after`."),
    ),
    responses(
        (status = 200, description = "A stream without end.", body = openapi::Event, content_type = "text/event-stream",
            example = "\
: chat
retry: 1742

event: message
id: 21
data: {\"id\":17,\"seq\":21,\"sender\":\"alice\",\"text\":\"안녕 👋\",\"sent_at\":\"2026-01-02T03:04:05.678Z\",\"edited_at\":null,\"deleted\":false}
"
        ),
        Streaming,
    ),
)]
pub(super) async fn stream(
    reader: Listening,
    State(app): State<App>,
    InRoom(room): InRoom,
    EventsAfter(after): EventsAfter,
) -> Result<Response, ApiError> {
    let rendering = Rendering::Sse;
    let join = Join { room, user: reader.user, expires: reader.expires, after, rendering };
    let subscription = app.hub.join(&app.store, join).await?;
    let ending = Ending::default();
    let events = Events {
        subscription,
        silence: Box::pin(sleep(app.heartbeat)),
        heartbeat: app.heartbeat,
        stage: Stage::Opening,
        ending: ending.clone(),
    };
    let event_stream = HeaderValue::from_static("text/event-stream");
    let mut response = ([(CONTENT_TYPE, event_stream), UNBUFFERED], Body::new(events)).into_response();
    response.extensions_mut().insert(ending);
    Ok(response)
}

struct Events {
    subscription: Subscription,
    silence: Pin<Box<Sleep>>,
    heartbeat: Duration,
    stage: Stage,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Ended,
}

impl Events {
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.stage {
            Stage::Ended => return Poll::Ready(None),
            Stage::Opening => {
                self.stage = Stage::Open;
                let retry = fastrand::u32(RETRY_MS);
                return Poll::Ready(Some(format!(": chat\nretry: {retry}\n\n").into()));
            }
            Stage::Open => {}
        }
        let bytes = match self.subscription.poll_next(cx) {
            Poll::Ready(Event::Data(bytes)) => bytes,
            Poll::Ready(Event::End(why)) => {
                self.stage = Stage::Ended;
                end(why)
            }
            Poll::Pending => {
                ready!(self.silence.as_mut().poll(cx));
                Bytes::from_static(b":\n\n")
            }
        };
        self.silence.as_mut().reset(Instant::now() + self.heartbeat);
        Poll::Ready(Some(bytes))
    }
}

impl Drop for Events {
    /// A reader so slow that it never came to hear of its end has not left of its own accord.
    fn drop(&mut self) {
        if let Some(why) = self.subscription.ended() {
            self.ending.because(why);
        }
    }
}

fn end(why: CloseCode) -> Bytes {
    // A problem is strings and a number: serialising it cannot fail.
    let problem = serde_json::to_string(&Problem::new(why.code())).unwrap_or_default();
    format!("event: {EVENT_END}\ndata: {problem}\n\n").into()
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().poll_bytes(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
