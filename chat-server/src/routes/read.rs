//! `/v1/rooms/{room}/read`: how far the caller has read, on whichever device.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{InRoom, Json};
use axum::extract::State;
use chat_protocol::{MarkRead, ReadMarker};

/// `200` and where the marker is now, which may be beyond what was asked for.
pub(super) async fn mark(
    Caller(reader): Caller,
    State(app): State<App>,
    InRoom(room): InRoom,
    Json(body): Json<MarkRead>,
) -> Result<axum::Json<ReadMarker>, ApiError> {
    Ok(axum::Json(app.store.mark_read(room, reader, body.id).await?))
}
