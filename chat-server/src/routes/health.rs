//! `GET /healthz`: whether the server can do its work, for whoever restarts it.

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::problems;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

problems! {
    Checking:;
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the server does its work
///
/// `200` while the database answers; no token is asked for.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "Operations",
    operation_id = "health",
    security(()),
    responses((status = 200, description = "All is well.", body = Health), Checking),
)]
pub(super) async fn check(State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    app.store.ping().await?;
    Ok(axum::Json(Health { status: "ok" }))
}
