//! What a poll, a catch-up, an opening and the streams cost (`scripts/bench`).
//!
//! Every figure is the CPU time, the memory or the bytes of a *whole process* that does nothing else: `report` starts
//! this program again for each one (the other subcommands), beside a real `chat-server` process, and sets what it hears
//! side by side. A claim is always a ratio of two figures of one run, so the machine cancels out; what the parts of
//! such a figure cost is for the small benches in `benches/`.
//!
//! The streams' figures are the server's, looked at from outside; `streams` says how.
//!
//! The engine is used as an app uses it: [`chat_engine::Engine`], a room, a listener.

#![allow(clippy::print_stdout)] // Figures are what this program is for.

mod bare;
mod boundary;
mod data;
mod ear;
mod gauge;
mod phone;
mod proxy;
mod report;
mod server;
mod streams;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything and print the table
    Report(report::Options),
    /// Measure the way into Kotlin and print the table
    Boundary(boundary::Options),
    /// Measure what one node does on one core, and print the table
    Server(streams::capacity::Options),
    /// Measure what the streams cost the server and a phone, and print the tables
    Streams(streams::Options),
    /// An engine catches up with a room, then closes
    CatchUp(phone::CatchUp),
    /// The same rows by rusqlite alone
    RawInsert(bare::RawInsert),
    /// An engine polls a silent room; a line on standard input asks for the figures so far
    IdlePoll(phone::Account),
    /// A bare socket polls it; the same lines
    BarePoll(bare::BarePoll),
    /// An engine opens a room from its cache
    Open(phone::Account),
    /// An engine tells its listener everything, again and again
    Snapshots(boundary::Snapshots),
}

fn main() -> Result<()> {
    let figures = match Cli::parse().command {
        Command::Report(options) => return report::run(&options),
        Command::Boundary(options) => return boundary::run(&options),
        Command::Server(options) => return streams::capacity::run(&options),
        Command::Streams(options) => return streams::run(&options),
        Command::CatchUp(job) => job.run()?,
        Command::RawInsert(job) => job.run()?,
        Command::IdlePoll(account) => account.idle()?,
        Command::BarePoll(job) => job.run()?,
        Command::Open(account) => account.open_room()?,
        Command::Snapshots(job) => job.run()?,
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
