//! What a store promises, asked of each database: a SQLite file, and a real PostgreSQL.

// clippy.toml excuses test functions; their helpers fail tests the same way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

mod announcements;
mod busy;
mod concurrency;
mod edits;
mod keys;
mod members;
mod messages;
mod pages;
mod postgres;
