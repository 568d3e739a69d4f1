//! `/v1/rooms/{room}/messages` and one of them: reading, saying, editing and deleting.

use crate::app::App;
use crate::auth::{Caller, Listening};
use crate::error::ApiError;
use crate::extract::{IdempotencyKey, InRoom, Json, OneMessage, PageQuery};
use crate::routes::{long_poll, poll_interval};
use crate::store::{NewMessage, PageRequest};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat_protocol::{EditMessage, Message, MessageText, SendMessage};

/// `200` and a page, or `204` with no body when nothing is new; held for that, if the client likes.
pub(super) async fn page(
    reader: Listening,
    State(app): State<App>,
    InRoom(room): InRoom,
    PageQuery { request, wait }: PageQuery,
) -> Result<Response, ApiError> {
    // Only what is asked again and again can be asked less often.
    let wish = matches!(request, PageRequest::After { .. }).then(|| poll_interval(&app));
    if let (PageRequest::After { cursor, limit }, true) = (request, !wait.is_zero()) {
        let wait = wait.min(app.max_wait);
        let answer = long_poll::answer(app, reader, room, (cursor, limit), wait).await?;
        return Ok((wish, answer).into_response());
    }
    Ok(match app.store.page(room, reader.user, request).await? {
        Some(page) => (wish, axum::Json(page)).into_response(),
        None => (wish, StatusCode::NO_CONTENT).into_response(),
    })
}

/// `201` and the message, on every try with the same key and text.
pub(super) async fn send(
    Caller(sender): Caller,
    State(app): State<App>,
    InRoom(room): InRoom,
    IdempotencyKey(transaction_id): IdempotencyKey,
    Json(body): Json<SendMessage>,
) -> Result<impl IntoResponse, ApiError> {
    let text = MessageText::new(&body.text)?;
    let message = app.store.send(NewMessage { room, sender, transaction_id, text }).await?;
    Ok((StatusCode::CREATED, axum::Json(message)))
}

/// `200` and the message as it stands now.
pub(super) async fn edit(
    Caller(caller): Caller,
    State(app): State<App>,
    OneMessage(room, id): OneMessage,
    Json(body): Json<EditMessage>,
) -> Result<axum::Json<Message>, ApiError> {
    let text = MessageText::new(&body.text)?;
    Ok(axum::Json(app.store.edit(room, id, caller, text).await?))
}

/// `200` and the tombstone, however often.
pub(super) async fn delete(
    Caller(caller): Caller,
    State(app): State<App>,
    OneMessage(room, id): OneMessage,
) -> Result<axum::Json<Message>, ApiError> {
    Ok(axum::Json(app.store.delete(room, id, caller).await?))
}
