//! The routes of protocol v1, and those for who watches the server.

pub(crate) mod conditional;
mod events;
mod health;
mod long_poll;
mod members;
mod messages;
mod read;
mod rooms;

use crate::app::App;
use axum::Router;
use axum::http::HeaderValue;
use axum::response::IntoResponseParts;
use axum::routing::get;
use chat_protocol::POLL_INTERVAL;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of the API, each with what the document says of it: a route without is none that `routes!` takes.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(rooms::list, rooms::create))
        .routes(routes!(members::add, members::remove))
        .routes(routes!(events::stream))
        .routes(routes!(messages::page, messages::send))
        .routes(routes!(messages::edit, messages::delete))
        .routes(routes!(read::mark))
        .routes(routes!(crate::socket::open))
}

/// What is served at an address of its own, for who watches the server.
pub(crate) fn own() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::own_metrics))
}

/// How often the server would like to be asked, in every answer to what clients ask over and over.
fn poll_interval(app: &App) -> impl IntoResponseParts + use<> {
    app.poll_interval.map(|seconds| [(POLL_INTERVAL, HeaderValue::from(seconds))])
}
