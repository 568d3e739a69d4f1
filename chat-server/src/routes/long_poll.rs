//! `GET /v1/rooms/{room}/messages?after=SEQ&wait=SECONDS`: a poll that is held until there is something to
//! answer.

use crate::access_log::Held;
use crate::app::App;
use crate::auth::Listening;
use crate::error::ApiError;
use crate::hub::{Event, Join, Rendering};
use axum::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chat_protocol::{CloseCode, JITTER, RoomId, Seq};
use std::time::Duration;

/// Milliseconds of jitter for each waiter that is answered at the same time: a thousand come back over a
/// second, as many as a core answers anyway.
const JITTER_PER_WAITER: usize = 1;

/// Most of it, in milliseconds: a message that arrives meanwhile is that late.
const MOST_JITTER: usize = 2_000;

/// `200` and a page at once, or as soon as something is new; `204` after `wait`, or when the server stops.
pub(super) async fn answer(
    app: App,
    reader: Listening,
    room: RoomId,
    (after, limit): (Seq, u32),
    wait: Duration,
) -> Result<Response, ApiError> {
    let rendering = Rendering::Page { limit };
    let join = Join { room, user: reader.user, expires: reader.expires, after, rendering };
    let mut held = app.hub.join(&app.store, join).await?;
    match tokio::time::timeout(wait, held.next()).await {
        Ok(Event::Data(page)) => {
            let json = HeaderValue::from_static("application/json");
            Ok((Extension(Held), jitter(held.company()), [(CONTENT_TYPE, json)], page).into_response())
        }
        Err(_) | Ok(Event::End(CloseCode::GoingAway)) => {
            Ok((Extension(Held), StatusCode::NO_CONTENT).into_response())
        }
        Ok(Event::End(why)) => Err(ApiError::new(why.code())),
    }
}

/// The answer of one who waited alone asks for none.
fn jitter(company: usize) -> Option<[(HeaderName, HeaderValue); 1]> {
    let jitter = (company * JITTER_PER_WAITER).min(MOST_JITTER);
    (company > 1).then(|| [(HeaderName::from_static(JITTER), HeaderValue::from(jitter))])
}
