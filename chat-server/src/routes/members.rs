//! `/v1/rooms/{room}/members/{user}`: letting people in and out. Any member may do either to anybody;
//! doing it twice is doing it once.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::Membership;
use crate::openapi::{IN_ROOM, TOKEN, problems};
use axum::extract::State;
use axum::http::StatusCode;
use chat_protocol::{RoomId, UserId};

problems! {
    Changing: TOKEN, IN_ROOM;
}

/// Let somebody in
///
/// `204`, whether the user was in before or not. Any member may let in anybody; a newcomer can read the whole
/// history and has nothing unread.
#[utoipa::path(
    put,
    path = "/v1/rooms/{room}/members/{user}",
    tag = "Members",
    operation_id = "addMember",
    params(("room" = RoomId, Path), ("user" = UserId, Path)),
    responses((status = 204, description = "The user is in."), Changing),
)]
pub(super) async fn add(
    Caller(caller): Caller,
    State(app): State<App>,
    Membership(room, user): Membership,
) -> Result<StatusCode, ApiError> {
    app.store.add_member(room, caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take somebody out, or leave
///
/// `204`, whether the user was in before or not. Any member may take out anybody; what they hold open ends at once.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{room}/members/{user}",
    tag = "Members",
    operation_id = "removeMember",
    params(("room" = RoomId, Path), ("user" = UserId, Path)),
    responses((status = 204, description = "The user is out."), Changing),
)]
pub(super) async fn remove(
    Caller(caller): Caller,
    State(app): State<App>,
    Membership(room, user): Membership,
) -> Result<StatusCode, ApiError> {
    app.store.remove_member(room, caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
