//! Schemas of the types whose rule is code rather than shape, for OpenAPI (feature `openapi`).
//!
//! Each says what its type takes, with the limits that the type itself has, so that a client generated
//! from them sends nothing that is refused. Two things no schema can say, and the descriptions do: that
//! white space around a text does not count, and that a user id is measured in bytes.

use crate::limits::{
    MAX_ROOM_MEMBERS, MAX_TEXT_SCALARS, MAX_TITLE_SCALARS, MAX_TRANSACTION_ID_BYTES, MAX_USER_ID_BYTES,
};
use crate::{ErrorCode, MessageId, MessageText, RoomId, Seq, Timestamp, TransactionId, UserId};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// White space as Unicode has it, for a class in a pattern. Not `\s`, of which every dialect has its own idea.
const SPACE: &str = r"\u0009-\u000D\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000";

/// Control characters (Unicode's `Cc`), for the same.
const CONTROL: &str = r"\u0000-\u001F\u007F-\u009F";

/// A room's title, which has no type of its own.
pub(crate) struct Title;

macro_rules! schemas {
    ($($name:ident = $schema:expr;)*) => { $(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )* };
}

schemas! {
    RoomId = number(1, "A room, numbered by the server from 1.", 1);
    MessageId = number(
        1,
        "A message's place in its room, from 1, dense: deleting leaves a tombstone.",
        17,
    );
    Seq = number(
        0,
        "A change's place in its room, from 1. As a cursor: everything up to here has been seen; 0 has seen \
         nothing.",
        21,
    );
    UserId = string("A user, as the token's `sub` names them: 1 to 128 bytes of UTF-8.", "alice")
        .min_length(Some(1))
        .max_length(Some(MAX_USER_ID_BYTES))
        .pattern(Some(format!("^[^{SPACE}{CONTROL}/]+$")));
    TransactionId = string(
        "Names one attempt to say one thing: the same on every try, so that it is stored once. A UUID will do.",
        "6f9f4c1e-0b1d-4d6a-9b1c-2f1f6f1f2a3b",
    )
    .min_length(Some(1))
    .max_length(Some(MAX_TRANSACTION_ID_BYTES))
    .pattern(Some("^[!-~]+$"));
    MessageText = string(
        "A text, counted in Unicode scalar values after it was trimmed of white space and NFC-normalised. It \
         says something, and U+0000 is not in it.",
        "안녕 👋",
    )
    .min_length(Some(1))
    .max_length(Some(MAX_TEXT_SCALARS))
    .pattern(Some(format!(r"^[^\u0000]*[^\u0000{SPACE}][^\u0000]*$")));
    Title = string("A title, counted after it was trimmed of white space.", "점심")
        .min_length(Some(1))
        .max_length(Some(MAX_TITLE_SCALARS))
        .pattern(Some(format!("^[{SPACE}]*[^{SPACE}{CONTROL}]([^{CONTROL}]*[^{SPACE}{CONTROL}])?[{SPACE}]*$")));
    Timestamp = string("A moment: RFC 3339, UTC, milliseconds.", "2026-01-02T03:04:05.678Z")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    ErrorCode = string(
        "What to act on. Later versions may add codes: take one that is not here by its status.",
        ErrorCode::TokenExpired.as_str(),
    )
    .enum_values(Some(ErrorCode::ALL.iter().map(|code| code.as_str())));
}

fn number(minimum: usize, description: &str, example: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(minimum))
        .maximum(Some(i64::MAX as usize))
        .description(Some(description))
        .examples([example])
}

fn string(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example])
}

/// `members` of [`crate::CreateRoom`].
pub(crate) fn named_members() -> Schema {
    ArrayBuilder::new()
        .items(Ref::from_schema_name(UserId::name()))
        .max_items(Some(MAX_ROOM_MEMBERS))
        .description(Some("Who else is in it; somebody named twice is in it once."))
        .into()
}
