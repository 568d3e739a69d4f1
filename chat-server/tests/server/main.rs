//! The real binary, as a process, over real HTTP. One test target, so that it is linked once.

// clippy.toml excuses test functions; their helpers fail tests the same way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod config;
mod deploy;
mod drain;

mod admin;
mod auth;
mod durability;
mod edits;
mod errors;
mod headers;
mod jwks;
mod limits;
mod logs;
mod long_poll;
mod markers;
mod messages;
mod openapi;
mod operations;
mod origin;
mod pages;
mod polls;
mod process;
mod rooms;
mod socket;
mod sse;
mod streams;
mod tls;
mod traces;
mod web;
mod windows;
mod wire;
