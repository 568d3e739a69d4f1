//! `/docs`: the document for people, by Swagger UI, whose files are in the binary.

use super::page;
use crate::error::ApiError;
use crate::routes::conditional::Tagged;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chat_protocol::ErrorCode;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

/// As strict as Swagger UI can live with: it draws its icons from `data:`.
const DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files that the page asks for, of those that come with it.
const FILES: [(&str, &str); 8] = [
    ("index.html", "text/html; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-initializer.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];

static UI: LazyLock<BTreeMap<&str, (&str, Tagged)>> = LazyLock::new(|| {
    // No validator: it would be asked over the network what it thinks of our document. No bar at the top: it is
    // for other servers' documents, and its logo needs a style that stands in the page.
    let config = Config::from("/openapi.json").validator_url("none").use_base_layout();
    let config = Arc::new(config.try_it_out_enabled(true));
    let file = |(name, kind)| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok().flatten()?;
        Some((name, (kind, Tagged::new(file.bytes.into_owned()))))
    };
    FILES.into_iter().filter_map(file).collect()
});

pub(super) fn file(name: &str, request: &HeaderMap) -> Response {
    match UI.get(name) {
        Some((kind, content)) => page(kind, DOCS, content.answer(request)),
        None => ApiError::new(ErrorCode::NotFound).into_response(),
    }
}
