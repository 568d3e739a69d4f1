//! The reference server of chat-core: protocol v1 over HTTP, one binary, on one SQLite file or with other nodes on
//! one PostgreSQL.
//!
//! # Layers
//! `routes` turn HTTP into calls of [`store::Store`] and its answers into HTTP; nothing in them knows
//! SQL. [`store`] keeps rooms, members and messages; nothing in it knows HTTP. [`error`] is the one
//! place where a failure becomes a status code. [`hub`] brings what changes to whoever holds a
//! connection open for it, on every transport; [`bus`] tells the other nodes. `serve` owns sockets and shutdown.
//! [`auth`], [`limits`] and [`origin`] decide who gets as far as a route. [`cli`] is every setting there is, [`run`]
//! puts the parts together, and [`admin`] are the commands that work on a database beside a running server.
//!
//! # Invariants
//! - A message, an edit or a deletion is confirmed only after its transaction is on the disk.
//! - Membership is read in the same transaction as what it guards.
//! - No message text, token or query string reaches the log.

mod access_log;
pub mod admin;
pub mod app;
pub mod auth;
pub mod bus;
pub mod cli;
pub mod error;
mod extract;
mod files;
mod headers;
pub mod health;
pub mod hub;
pub mod limits;
pub mod logging;
pub mod metrics;
pub mod openapi;
pub mod origin;
mod outbound;
pub mod readiness;
pub mod reload;
mod routes;
pub mod run;
pub mod serve;
pub mod shutdown;
mod socket;
pub mod store;
mod systemd;
mod title;
pub mod tls;
pub mod trace;
mod web;
