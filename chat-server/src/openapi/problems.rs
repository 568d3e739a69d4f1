//! What can go wrong, by route: which codes an operation may answer with, and the answers they make.
//!
//! A route names its own codes; those that any route may answer with are added to each. The document then
//! says, by status, exactly which codes there can be.

use chat_protocol::{ErrorCode, PROBLEM_CONTENT_TYPE, Problem};
use std::collections::BTreeMap;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Codes of one kind.
pub(crate) type Codes = &'static [ErrorCode];

/// Of every route: the server is at fault, or has no time.
const ANYWHERE: Codes = &[ErrorCode::RateLimited, ErrorCode::Internal, ErrorCode::Unavailable];

/// Of every route that asks for a token.
pub(crate) const TOKEN: Codes = &[ErrorCode::TokenMissing, ErrorCode::TokenExpired, ErrorCode::TokenRefused];

/// Of every route below `/v1/rooms/{room}`.
pub(crate) const IN_ROOM: Codes = &[ErrorCode::BadRequest, ErrorCode::NotAMember, ErrorCode::RoomNotFound];

/// Of every route that takes a body.
pub(crate) const BODY: Codes =
    &[ErrorCode::BadRequest, ErrorCode::BodyTooLarge, ErrorCode::UnsupportedMediaType, ErrorCode::Invalid];

/// Of every route that takes a message's text.
pub(crate) const TEXT: Codes = &[ErrorCode::TextBlank, ErrorCode::TextTooLong, ErrorCode::TextInvalid];

/// Names the problems of a route: a type for `responses(…)`, and groups of codes.
macro_rules! problems {
    ($($name:ident: $($codes:expr),*;)*) => { $(
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                const CODES: &[$crate::openapi::Codes] = &[$($codes),*];
                $crate::openapi::answers(CODES)
            }
        }
    )* };
}
pub(crate) use problems;

/// The answers that `codes` and those of every route make, by status.
pub(crate) fn answers(codes: &[Codes]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes.iter().chain([&ANYWHERE]).flat_map(|codes| codes.iter()) {
        let known = by_status.entry(code.status()).or_default();
        if !known.contains(code) {
            known.push(*code);
        }
    }
    by_status.iter().map(|(status, codes)| (status.to_string(), answer(*status, codes).into())).collect()
}

fn answer(status: u16, codes: &[ErrorCode]) -> Response {
    let lines: Vec<_> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let content = ContentBuilder::new().schema(Some(problem_with(codes))).build();
    let mut response =
        ResponseBuilder::new().description(lines.join("  \n")).content(PROBLEM_CONTENT_TYPE, content);
    if status == 401 {
        response = response.header("WWW-Authenticate", text("What is asked for: `Bearer` (RFC 6750)."));
    }
    if matches!(status, 429 | 503) {
        response = response.header(
            "Retry-After",
            seconds("Seconds until it may be tried again; add some of your own at random."),
        );
    }
    if status == 426 {
        response = response.header("Sec-WebSocket-Version", text("The version that there is: 13."));
    }
    response.build()
}

/// A problem whose code is one of these.
fn problem_with(codes: &[ErrorCode]) -> Schema {
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes.iter().map(|code| code.as_str())));
    AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(ObjectBuilder::new().schema_type(Type::Object).property("code", code))
        .into()
}

fn text(description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(String::schema())).description(Some(description)).build()
}

fn seconds(description: &str) -> utoipa::openapi::Header {
    let whole = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    HeaderBuilder::new().schema(Some(Schema::from(whole))).description(Some(description)).build()
}
