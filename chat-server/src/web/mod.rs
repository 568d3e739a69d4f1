//! What a browser is given: the chat page at `/`, the API's documentation at `/docs`, and the document itself
//! at `/openapi.json`.
//!
//! All of it is in the binary, and none of it needs a token: a page is the same for everybody, and knows
//! nothing before somebody has signed in on it.
//!
//! Each answer names what its page may load: files of this server, and no script that stands in the page
//! itself, so that what somebody has said cannot become one. Each has a tag, so that coming back costs a `304`.

mod docs;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi;
use crate::routes::conditional::Tagged;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chat_protocol::ErrorCode;
use std::sync::LazyLock;

/// What the chat page may do: load scripts, style and icon from here and talk to this server. Nothing makes
/// markup or script of a string.
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Kept by the browser, and asked after each time: a new server's page is seen at once.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// A file in the binary.
struct File {
    name: &'static str,
    kind: &'static str,
    content: Tagged,
}

macro_rules! files {
    ($($name:literal: $kind:literal),* $(,)?) => {
        [$(File {
            name: $name,
            kind: $kind,
            content: Tagged::new(include_bytes!(concat!("../../web/", $name)).as_slice()),
        }),*]
    };
}

static FILES: LazyLock<[File; 13]> = LazyLock::new(|| {
    files! {
        "index.html": "text/html; charset=utf-8",
        "chat.css": "text/css; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "chat.js": "text/javascript; charset=utf-8",
        "api.js": "text/javascript; charset=utf-8",
        "rooms.js": "text/javascript; charset=utf-8",
        "room.js": "text/javascript; charset=utf-8",
        "listen.js": "text/javascript; charset=utf-8",
        "outbox.js": "text/javascript; charset=utf-8",
        "view.js": "text/javascript; charset=utf-8",
        "rows.js": "text/javascript; charset=utf-8",
        "composer.js": "text/javascript; charset=utf-8",
        "words.js": "text/javascript; charset=utf-8",
    }
});

static DOCUMENT: LazyLock<Tagged> = LazyLock::new(|| Tagged::new(openapi::json().into_bytes()));

/// The document alone, which is for programs as much as for people.
pub(crate) fn document() -> Router<App> {
    Router::new().route(
        "/openapi.json",
        get(async |headers: HeaderMap| {
            (
                [(CACHE_CONTROL, REVALIDATE), (CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                DOCUMENT.answer(&headers),
            )
        }),
    )
}

/// The pages.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/", get(async |headers: HeaderMap| file("index.html", &headers)))
        .route("/web/{file}", get(async |Path(name): Path<String>, headers: HeaderMap| file(&name, &headers)))
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async |headers: HeaderMap| docs::file("index.html", &headers)))
        .route(
            "/docs/{file}",
            get(async |Path(name): Path<String>, headers: HeaderMap| docs::file(&name, &headers)),
        )
}

fn file(name: &str, request: &HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => page(file.kind, PAGE, file.content.answer(request)),
        None => ApiError::new(ErrorCode::NotFound).into_response(),
    }
}

fn page(kind: &'static str, policy: &'static str, content: Response) -> Response {
    let headers = [
        (CACHE_CONTROL, REVALIDATE),
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, content).into_response()
}
