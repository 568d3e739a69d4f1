//! The OpenAPI 3.1 document: what the routes say of themselves, and what no route can say.
//!
//! It is made from the code that serves, so it cannot name a route that is not there; `docs/openapi.json`
//! keeps a copy, and a test fails when that is not the same.

mod problems;

pub(crate) use problems::{BODY, Codes, IN_ROOM, TEXT, TOKEN, answers, problems};

use crate::routes;
use chat_protocol::limits::{MAX_PAGE, MAX_REQUEST_BYTES, MAX_TEXT_SCALARS};
use chat_protocol::{
    BEARER_SUBPROTOCOL, ClientFrame, CloseCode, EVENT_END, EVENT_MESSAGE, Message, Problem, SUBPROTOCOL,
    ServerFrame,
};
use serde_json::Value;
use std::fmt::Write;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, InfoBuilder, OpenApi, Ref, RefOr, ServerBuilder, Tag};
use utoipa::{PartialSchema, ToSchema};

/// What the operations are grouped by, in the order in which one needs them.
const TAGS: [(&str, &str); 5] = [
    ("Rooms", "Making rooms and listing one's own."),
    ("Messages", "Reading, saying, editing, deleting; how far one has read."),
    ("Streams", "Hearing of what changes while it happens."),
    ("Members", "Who is in a room."),
    ("Operations", "For whoever runs the server."),
];

/// The `chat-poll-interval` header.
pub(crate) struct PollInterval;

/// The `chat-jitter` header.
pub(crate) struct Jitter;

macro_rules! header {
    ($name:ident, $minimum:literal, $description:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let whole = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some($minimum));
                whole.description(Some($description)).into()
            }
        }

        impl ToSchema for $name {}
    };
}

header!(PollInterval, 1, "Whole seconds that the server would like between two polls, if it has a wish.");
header!(Jitter, 0, "Milliseconds over which to spread the next question, when many were answered at once.");

/// What the fields of one server-sent event hold.
pub(crate) struct Event;

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let field = |name| ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]));
        let holding = |name| {
            let json = ObjectBuilder::new().schema_type(Type::String).content_media_type("application/json");
            json.content_schema(Some(Ref::from_schema_name(name)))
        };
        let seq = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+$"));
        let change = ObjectBuilder::new()
            .property("event", field(EVENT_MESSAGE))
            .property("id", seq.description(Some("The change's `seq`, to resume at.")))
            .property("data", holding(Message::name()))
            .required("event")
            .required("id")
            .required("data")
            .description(Some("A change."));
        let end = ObjectBuilder::new()
            .property("event", field(EVENT_END))
            .property("data", holding(Problem::name()))
            .required("event")
            .required("data")
            .description(Some("The last event: why the server ends the stream."));
        OneOfBuilder::new().item(change).item(end).description(Some("One server-sent event.")).into()
    }
}

impl ToSchema for Event {}

/// The document, as it is served, printed and kept: JSON, a line for each thing, and a newline at the end.
///
/// # Panics
/// Never: the document is strings, numbers and lists of them.
pub fn json() -> String {
    let mut json = serde_json::to_value(document()).unwrap_or_default();
    plain(&mut json);
    // A map of serde_json's sorts its keys, so the same document is always the same text.
    let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> OpenApi {
    let mut document = routes::router().into_openapi();
    document.info = InfoBuilder::new()
        .title("chat-core")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(introduction()))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0 OR MIT").build()))
        .build();
    document.servers = Some(vec![ServerBuilder::new().url("/").description(Some("This server.")).build()]);
    document.tags = Some(TAGS.map(tag).to_vec());
    document.security = Some(vec![SecurityRequirement::new("token", [] as [&str; 0])]);
    let components = document.components.get_or_insert_with(Components::new);
    add_schemas(components);
    add_security(components);
    document
}

fn tag((name, description): (&str, &str)) -> Tag {
    TagBuilder::new().name(name).description(Some(description)).build()
}

/// What travels where no operation can say it: on a WebSocket, and in every answer that refuses.
fn add_schemas(components: &mut Components) {
    let mut schemas = Vec::new();
    for (name, schema) in [
        (Problem::name(), Problem::schema()),
        (ServerFrame::name(), ServerFrame::schema()),
        (ClientFrame::name(), without_surplus(ClientFrame::schema())),
    ] {
        schemas.push((name.into_owned(), schema));
    }
    Problem::schemas(&mut schemas);
    ServerFrame::schemas(&mut schemas);
    ClientFrame::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

/// No field but those that it has: the derive sees that of structs, and not of the variants of an enum.
fn without_surplus(mut schema: RefOr<Schema>) -> RefOr<Schema> {
    if let RefOr::T(Schema::OneOf(frames)) = &mut schema {
        for frame in &mut frames.items {
            if let RefOr::T(Schema::Object(frame)) = frame {
                frame.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
    schema
}

fn add_security(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A JWT whose `sub` is the user. `chat-server token --user alice` mints one."))
        .build();
    let subprotocol = ApiKey::Header(ApiKeyValue::with_description(
        "Sec-WebSocket-Protocol",
        &format!(
            "`{SUBPROTOCOL}, {BEARER_SUBPROTOCOL}JWT`: the token of a browser, at the handshake of a WebSocket only."
        ),
    ));
    let metrics = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token of `--metrics-token`."));
    components.add_security_scheme("metrics", SecurityScheme::Http(metrics.build()));
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    components.add_security_scheme("subprotocol", SecurityScheme::ApiKey(subprotocol));
}

/// What one should know before the first request.
fn introduction() -> String {
    let mut text = format!(
        "Rooms of messages, protocol v1.

## Numbers and the cursor
A room numbers its messages 1, 2, 3 … (`id`; a deleted one leaves a tombstone) and its changes 1, 2, 3 … (`seq`: \
each message, edit and deletion takes the next). **The cursor is the last `seq` seen**: polling, long polling, events \
and the WebSocket all resume at it, and can be swapped at any moment. To show a room: ask for the newest page, keep its \
`cursor`, listen from there; order by `id`, one row per `id`, of two versions the higher `seq` wins. Ignore fields \
that are not known.

## Saying something, once
Each message has an `Idempotency-Key` of its sender's making. No answer, or a `5xx` or `429`: ask again, with the same \
key, by any transport, after `Retry-After` where there is one.

## Errors
`application/problem+json` (RFC 9457) with a stable `code`. Decide by the `code`, and by the status for a code that is not known.

## Limits
A text has at most {MAX_TEXT_SCALARS} Unicode scalar values, a page {MAX_PAGE} messages, a body {MAX_REQUEST_BYTES} bytes. \
Who asks too often is told `429` with `Retry-After`.

## The WebSocket closes with
| | `code` |
|---|---|
"
    );
    for close in CloseCode::ALL {
        // A String takes whatever is written.
        let _ =
            writeln!(text, "| {} | `{}`: {} |", close.number(), close.code().as_str(), close.code().title());
    }
    text
}

/// Puts right what the derives cannot say: links of rustdoc (`[`crate::Seq`]`) become what any reader of
/// Markdown sees, and a parameter that may be left out is not one that may be `null`.
fn plain(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            if fields.contains_key("in")
                && let Some(schema) = fields.get_mut("schema")
            {
                not_null(schema);
            }
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" || name == "summary" => {
                        *text = text.replace("[`", "`").replace("`]", "`");
                        *text = text.replace("crate::limits::", "").replace("crate::", "");
                    }
                    other => plain(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

fn not_null(schema: &mut Value) {
    let known = match schema.get("type").or_else(|| schema.get("oneOf")) {
        Some(Value::Array(alternatives)) => alternatives.first().cloned(),
        _ => None,
    };
    match known {
        Some(Value::String(name)) => schema["type"] = name.into(),
        Some(other) => *schema = other,
        None => {}
    }
}
