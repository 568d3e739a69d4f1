//! `/v1/rooms/{room}/messages` and one of them: reading, saying, editing and deleting.

use crate::app::App;
use crate::auth::{Caller, Listening};
use crate::error::ApiError;
use crate::extract::{IdempotencyKey, InRoom, Json, OneMessage, PageQuery, RawPageQuery};
use crate::openapi::{BODY, IN_ROOM, Jitter, PollInterval, TEXT, TOKEN, problems};
use crate::routes::{long_poll, poll_interval};
use crate::store::{NewMessage, PageRequest};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat_protocol::{
    EditMessage, ErrorCode, Message, MessageId, MessageText, Page, RoomId, SendMessage, TransactionId,
};

problems! {
    Reading: TOKEN, IN_ROOM, &[ErrorCode::CursorAhead];
    Sending: TOKEN, IN_ROOM, BODY, TEXT, &[ErrorCode::IdempotencyKeyMissing, ErrorCode::IdempotencyKeyReused];
    Editing: TOKEN, IN_ROOM, BODY, TEXT,
        &[ErrorCode::NotTheSender, ErrorCode::MessageNotFound, ErrorCode::MessageDeleted];
    Deleting: TOKEN, IN_ROOM, &[ErrorCode::NotTheSender, ErrorCode::MessageNotFound];
}

/// Read a page: what is new, what was before, or the newest
///
/// - `?after=SEQ`: what has changed since a cursor, oldest change first, or `204` when nothing has. Go on with
///   the answer's `cursor`. With `&wait=SECONDS` the answer is held until there is a change (long polling).
/// - `?before=ID`: history, the newest messages older than `ID`.
/// - neither: the newest page, and the room's cursor. That is how a room is opened.
///
/// `after` and `before` exclude each other, and `wait` needs `after`. A page may be shorter than `limit`:
/// `has_more` says whether it goes on.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/messages",
    tag = "Messages",
    operation_id = "readPage",
    params(("room" = RoomId, Path), RawPageQuery),
    responses(
        (status = 200, description = "A page.", body = Page, headers(
            ("chat-poll-interval" = inline(PollInterval)),
            ("chat-jitter" = inline(Jitter)),
        )),
        (status = 204, description = "Nothing is new.", headers(("chat-poll-interval" = inline(PollInterval)))),
        Reading,
    ),
)]
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

/// Say something
///
/// Stored once, however often it is asked: keep the `Idempotency-Key` until the answer is there, and send it again
/// when an answer is lost. A replay gets the same message; the same key with another text is
/// `idempotency_key_reused`, unless the message was deleted, and nobody knows what it said.
#[utoipa::path(
    post,
    path = "/v1/rooms/{room}/messages",
    tag = "Messages",
    operation_id = "sendMessage",
    params(("room" = RoomId, Path), ("Idempotency-Key" = TransactionId, Header)),
    request_body = SendMessage,
    responses((status = 201, description = "The message, on the disk.", body = Message), Sending),
)]
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

/// Edit one's own message
///
/// Asked again with the text that it has already, it changes nothing.
#[utoipa::path(
    patch,
    path = "/v1/rooms/{room}/messages/{id}",
    tag = "Messages",
    operation_id = "editMessage",
    params(("room" = RoomId, Path), ("id" = MessageId, Path)),
    request_body = EditMessage,
    responses((status = 200, description = "The message as it stands now.", body = Message), Editing),
)]
pub(super) async fn edit(
    Caller(caller): Caller,
    State(app): State<App>,
    OneMessage(room, id): OneMessage,
    Json(body): Json<EditMessage>,
) -> Result<axum::Json<Message>, ApiError> {
    let text = MessageText::new(&body.text)?;
    Ok(axum::Json(app.store.edit(room, id, caller, text).await?))
}

/// Delete one's own message
///
/// Its text is gone for good; the tombstone keeps its place. Asked again, the answer is the same.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{room}/messages/{id}",
    tag = "Messages",
    operation_id = "deleteMessage",
    params(("room" = RoomId, Path), ("id" = MessageId, Path)),
    responses((status = 200, description = "The tombstone.", body = Message), Deleting),
)]
pub(super) async fn delete(
    Caller(caller): Caller,
    State(app): State<App>,
    OneMessage(room, id): OneMessage,
) -> Result<axum::Json<Message>, ApiError> {
    Ok(axum::Json(app.store.delete(room, id, caller).await?))
}
