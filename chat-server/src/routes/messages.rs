//! `/v1/rooms/{room}/messages`: reading and saying.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{IdempotencyKey, InRoom, Json, PageQuery};
use crate::store::NewMessage;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat_protocol::{MessageText, SendMessage};

/// `200` and a page, or `204` with no body when nothing is new.
pub(super) async fn page(
    Caller(reader): Caller,
    State(app): State<App>,
    InRoom(room): InRoom,
    PageQuery(request): PageQuery,
) -> Result<Response, ApiError> {
    Ok(match app.store.page(room, reader, request).await? {
        Some(page) => axum::Json(page).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
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
