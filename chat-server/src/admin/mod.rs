//! The commands of whoever runs the server: rooms and who is in them, backups, and rooms as files.
//!
//! They work on the database, not through the server, and beside it: what they change the next request sees, and who
//! holds a connection open hears of it when the server next looks (`--resync-interval`).
//!
//! What a command was asked for goes to stdout, everything else to stderr. It ends with 0, or with 1 and the reason, or
//! with 130 when a signal ended it; in both of the latter cases what it had begun is undone.

mod backup;
mod export;
mod format;
mod import;
mod output;
mod progress;
mod reading;
mod rooms;
mod upkeep;
mod writing;

use crate::cli::{Admin as Command, Target};
use crate::store::admin::{self, Admin, AdminError};
use crate::store::{Database, OpenError};
use serde::Serialize;
use std::future::Future;
use std::io::{self, Write};

/// The status of a command that a signal has ended, whichever: as a shell tells the end by SIGINT.
pub const INTERRUPTED: u8 = 130;

/// How a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The reason, for whoever asked.
    Because(String),
    /// A signal ended it.
    Interrupted,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Because(why)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Because(error.to_string())
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self::Because(error.to_string())
    }
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: Command) -> Result<(), Failure> {
    // One thread carries the command, the other its connection and its signals.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Room(command) => end_by_signal(rooms::room(command)).await,
            Command::Member(command) => end_by_signal(rooms::member(command)).await,
            Command::Backup(options) => backup::run(&options),
            Command::Vacuum(options) => end_by_signal(upkeep::vacuum(options)).await,
            Command::Migrate(options) => end_by_signal(upkeep::migrate(options)).await,
            Command::Export(options) => export::run(options).await,
            Command::Import(options) => import::run(options).await,
        }
    });
    // A thread that reads a pipe which nobody closes is not waited for.
    runtime.shutdown_background();
    outcome
}

async fn open(target: &Target) -> Result<Box<dyn Admin>, Failure> {
    Ok(admin::open(&target.database).await?)
}

/// Completes when a signal asks to end.
fn stop() -> Result<impl Future<Output = ()>, Failure> {
    crate::shutdown::signal().map_err(|error| format!("cannot wait for signals: {error}").into())
}

/// Carries out what leaves nothing to undo but a transaction, which the database undoes by itself. A signal ends the whole
/// process: it may be waiting for a lock or for whoever reads its pipe, where it hears nothing.
async fn end_by_signal(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let stop = stop()?;
    tokio::spawn(async move {
        stop.await;
        std::process::exit(INTERRUPTED.into());
    });
    work.await
}

/// Prints the answer.
fn say(words: impl std::fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let said = writeln!(stdout, "{words}").and_then(|()| stdout.flush());
    said.map_err(|error| format!("cannot print the answer: {error}").into())
}

/// Prints the answer for a script.
fn say_json(value: &impl Serialize) -> Result<(), Failure> {
    say(serde_json::to_string(value).map_err(|error| error.to_string())?)
}

/// Names, for a sentence.
fn list(names: &[chat_protocol::UserId]) -> String {
    names.iter().map(chat_protocol::UserId::as_str).collect::<Vec<_>>().join(", ")
}

/// Where a command works, for a sentence; no password shows.
fn place(database: &Database) -> String {
    database.to_string()
}
