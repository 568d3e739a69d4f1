//! `/v1/rooms/{room}/members/{user}`: letting people in and out. Any member may do either to anybody;
//! doing it twice is doing it once.

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::Membership;
use axum::extract::State;
use axum::http::StatusCode;

/// `204`, whether the user was in before or not.
pub(super) async fn add(
    Caller(caller): Caller,
    State(app): State<App>,
    Membership(room, user): Membership,
) -> Result<StatusCode, ApiError> {
    app.store.add_member(room, caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `204`, whether the user was in before or not.
pub(super) async fn remove(
    Caller(caller): Caller,
    State(app): State<App>,
    Membership(room, user): Membership,
) -> Result<StatusCode, ApiError> {
    app.store.remove_member(room, caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
