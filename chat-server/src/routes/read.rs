//! `/v1/rooms/{room}/read`: how far the caller has read, on whichever device.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{InRoom, Json};
use crate::openapi::{BODY, IN_ROOM, TOKEN, problems};
use axum::extract::State;
use chat_protocol::{MarkRead, ReadMarker, RoomId};

problems! {
    Marking: TOKEN, IN_ROOM, BODY;
}

/// Say how far one has read
///
/// The marker moves forward only: of two devices the one that has read further wins. A message that the room
/// does not have yet is `invalid`.
#[utoipa::path(
    put,
    path = "/v1/rooms/{room}/read",
    tag = "Messages",
    operation_id = "markRead",
    params(("room" = RoomId, Path)),
    request_body = MarkRead,
    responses(
        (status = 200, description = "Where the marker is now: perhaps beyond what was asked for.", body = ReadMarker),
        Marking,
    ),
)]
pub(super) async fn mark(
    Caller(reader): Caller,
    State(app): State<App>,
    InRoom(room): InRoom,
    Json(body): Json<MarkRead>,
) -> Result<axum::Json<ReadMarker>, ApiError> {
    Ok(axum::Json(app.store.mark_read(room, reader, body.id).await?))
}
