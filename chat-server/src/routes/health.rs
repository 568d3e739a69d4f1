//! What is asked by machines that watch this one: `/healthz`, `/readyz`, `/metrics`.

use crate::app::App;
use crate::auth::{self, Secret};
use crate::error::ApiError;
use crate::metrics;
use crate::openapi::problems;
use crate::readiness::Ready;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chat_protocol::ErrorCode;
use serde::Serialize;
use utoipa::ToSchema;

problems! {
    Living:;
    Measuring: &[ErrorCode::TokenMissing, ErrorCode::TokenRefused, ErrorCode::NotFound];
}

/// That the process lives.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the process lives
///
/// `200` while it does: nothing else is looked at, as nothing else is mended by a restart. No token is asked for.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "Operations",
    operation_id = "health",
    security(()),
    responses((status = 200, description = "It does.", body = Health), Living),
)]
pub(super) async fn alive() -> impl IntoResponse {
    axum::Json(Health { status: "ok" })
}

/// Whether requests are welcome here
///
/// They are while the database answers and the server is not about to stop. No token is asked for.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Operations",
    operation_id = "ready",
    security(()),
    responses(
        (status = 200, description = "They are.", body = Ready),
        (status = 503, description = "They are not, and why.", body = Ready),
    ),
)]
pub(super) async fn ready(State(app): State<App>) -> impl IntoResponse {
    let ready = app.readiness.check(&app.store).await;
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(ready))
}

/// Figures for Prometheus
///
/// For who brings the token of `--metrics-token`, as a bearer; without that flag there is nothing here.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Operations",
    operation_id = "metrics",
    security(("metrics" = [])),
    responses((status = 200, description = "OpenMetrics.", body = String, content_type = "application/openmetrics-text"), Measuring),
)]
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    match &app.metrics_token {
        Some(token) => guarded(&app, token, &headers),
        None => Err(ApiError::new(ErrorCode::NotFound)),
    }
}

/// The metrics at an address of their own, where a token is asked for only if there is one.
pub(super) async fn own_metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    match &app.metrics_token {
        Some(token) => guarded(&app, token, &headers),
        None => Ok(render(&app)),
    }
}

fn guarded(app: &App, token: &Secret, headers: &HeaderMap) -> Result<Response, ApiError> {
    let given = auth::bearer(headers).map_err(ApiError::new)?;
    if token.is(given.as_bytes()) { Ok(render(app)) } else { Err(ApiError::new(ErrorCode::TokenRefused)) }
}

fn render(app: &App) -> Response {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.render()).into_response()
}
