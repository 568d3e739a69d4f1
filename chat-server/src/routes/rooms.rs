//! `/v1/rooms`: making rooms and listing one's own.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{IdempotencyKey, Json};
use crate::openapi::{BODY, PollInterval, TOKEN, problems};
use crate::routes::{conditional, poll_interval};
use crate::store::{NewRoom, PAGE_BYTES, StoreError};
use crate::title::title;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat_protocol::limits::MAX_ROOM_MEMBERS;
use chat_protocol::{CreateRoom, ErrorCode, Message, Room, Rooms, TransactionId};

/// Of a room's newest message in the list: more than any screen has a place for. The wire's document says so, too.
const PREVIEW_CHARS: usize = 200;

problems! {
    Creating: TOKEN, BODY, &[ErrorCode::IdempotencyKeyReused];
    Listing: TOKEN;
}

/// Make a room
///
/// The caller is a member of it, whether named or not. Asked twice, it makes two, unless both times with the same
/// `Idempotency-Key`: then the answer is the same, too. The key with another title or other members is
/// `idempotency_key_reused`.
#[utoipa::path(
    post,
    path = "/v1/rooms",
    tag = "Rooms",
    operation_id = "createRoom",
    params((
        "Idempotency-Key" = Option<TransactionId>, Header,
        description = "Keep it until the answer is there, and send it again when an answer is lost.",
    )),
    request_body = CreateRoom,
    responses((status = 201, description = "The room.", body = Room), Creating),
)]
pub(super) async fn create(
    Caller(creator): Caller,
    State(app): State<App>,
    key: Option<IdempotencyKey>,
    Json(body): Json<CreateRoom>,
) -> Result<impl IntoResponse, ApiError> {
    let title = title(&body.title).map_err(invalid)?;
    if body.members.len() > MAX_ROOM_MEMBERS {
        return Err(invalid(format!("at most {MAX_ROOM_MEMBERS} members can be named at once")));
    }
    let key = key.map(|IdempotencyKey(key)| key);
    let room = app.store.create_room(NewRoom { creator, title, members: body.members, key }).await;
    let room = room.map_err(|error| match error {
        StoreError::IdempotencyKeyReused => {
            let why = "the key came with another title or other members before";
            ApiError::with_detail(ErrorCode::IdempotencyKeyReused, why)
        }
        other => other.into(),
    })?;
    Ok((StatusCode::CREATED, axum::Json(room)))
}

/// List the caller's rooms
///
/// By number, each with its newest message, of whose text more than 200 characters are cut off, and what is unread. A list
/// that is longer than a page is answered to two of the user's requests at once. Asked again with the answer's `ETag` in
/// `If-None-Match`, it costs a `304` while nothing has changed.
#[utoipa::path(
    get,
    path = "/v1/rooms",
    tag = "Rooms",
    operation_id = "listRooms",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list that is known.")),
    responses(
        (status = 200, description = "The rooms.", body = Rooms, headers(
            ("ETag" = String, description = "Of this list; weak where it travelled compressed."),
            ("chat-poll-interval" = inline(PollInterval)),
        )),
        (status = 304, description = "The list is as it was.", headers(
            ("ETag" = String, description = "Of the list."),
            ("chat-poll-interval" = inline(PollInterval)),
        )),
        Listing,
    ),
)]
pub(super) async fn list(
    Caller(user): Caller,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let mut rooms = app.store.rooms_of(user.clone()).await?;
    rooms.iter_mut().filter_map(|room| room.last_message.as_mut()).for_each(shorten);
    let place = |length| (length > PAGE_BYTES).then(|| app.limits.answer_at_length(user)).transpose();
    Ok((poll_interval(&app), conditional::json(&headers, &Rooms { rooms }, place)?))
}

/// Cuts the text of a line of the list. It is there to be looked at; whoever wants to read it opens the room, and a list of
/// whole messages would be as long as all the rooms' longest together.
fn shorten(message: &mut Message) {
    if let Some((end, _)) = message.text.char_indices().nth(PREVIEW_CHARS) {
        message.text.truncate(end);
        message.text.push('…');
    }
}

fn invalid(detail: String) -> ApiError {
    ApiError::with_detail(ErrorCode::Invalid, detail)
}
