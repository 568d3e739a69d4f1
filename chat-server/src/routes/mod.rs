//! The routes of protocol v1.

mod health;
mod members;
mod messages;
mod rooms;

use crate::app::App;
use axum::Router;
use axum::routing::{get, put};

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::check))
        .route("/v1/rooms", get(rooms::list).post(rooms::create))
        .route("/v1/rooms/{room}/members/{user}", put(members::add).delete(members::remove))
        .route("/v1/rooms/{room}/messages", get(messages::page).post(messages::send))
}
