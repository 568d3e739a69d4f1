//! `GET /healthz`: whether the server can do its work, for whoever restarts it.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

/// `200` when the database answers.
pub(super) async fn check(State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    app.store.ping().await?;
    Ok(axum::Json(json!({ "status": "ok" })))
}
