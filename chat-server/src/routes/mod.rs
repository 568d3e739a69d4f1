//! The routes of protocol v1.

mod conditional;
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
use axum::routing::{get, patch, put};
use chat_protocol::POLL_INTERVAL;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::check))
        .route("/v1/rooms", get(rooms::list).post(rooms::create))
        .route("/v1/rooms/{room}/members/{user}", put(members::add).delete(members::remove))
        .route("/v1/rooms/{room}/events", get(events::stream))
        .route("/v1/rooms/{room}/messages", get(messages::page).post(messages::send))
        .route("/v1/rooms/{room}/messages/{id}", patch(messages::edit).delete(messages::delete))
        .route("/v1/rooms/{room}/read", put(read::mark))
        .route("/v1/rooms/{room}/socket", get(crate::socket::open))
}

/// How often the server would like to be asked, in every answer to what clients ask over and over.
fn poll_interval(app: &App) -> impl IntoResponseParts + use<> {
    app.poll_interval.map(|seconds| [(POLL_INTERVAL, HeaderValue::from(seconds))])
}
