//! `/v1/rooms`: making rooms and listing one's own.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::routes::{conditional, poll_interval};
use crate::store::NewRoom;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat_protocol::limits::{MAX_ROOM_MEMBERS, MAX_TITLE_SCALARS};
use chat_protocol::{CreateRoom, ErrorCode, Rooms};

/// `201` and the room.
pub(super) async fn create(
    Caller(creator): Caller,
    State(app): State<App>,
    Json(body): Json<CreateRoom>,
) -> Result<impl IntoResponse, ApiError> {
    let title = title(&body.title)?;
    if body.members.len() > MAX_ROOM_MEMBERS {
        return Err(invalid(format!("at most {MAX_ROOM_MEMBERS} members can be named at once")));
    }
    let room = app.store.create_room(NewRoom { creator, title, members: body.members }).await?;
    Ok((StatusCode::CREATED, axum::Json(room)))
}

/// `200` and the caller's rooms, or `304` when they are as the caller knows them.
pub(super) async fn list(
    Caller(user): Caller,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let rooms = Rooms { rooms: app.store.rooms_of(user).await? };
    Ok((poll_interval(&app), conditional::json(&headers, &rooms)?))
}

fn title(raw: &str) -> Result<String, ApiError> {
    let title = raw.trim();
    match title.chars().count() {
        1..=MAX_TITLE_SCALARS if !title.contains(char::is_control) => Ok(title.to_owned()),
        1..=MAX_TITLE_SCALARS => Err(invalid("a title has no control characters".into())),
        0 => Err(invalid("the title is blank".into())),
        scalars => {
            Err(invalid(format!("the title has {scalars} characters, the limit is {MAX_TITLE_SCALARS}")))
        }
    }
}

fn invalid(detail: String) -> ApiError {
    ApiError::with_detail(ErrorCode::Invalid, detail)
}
