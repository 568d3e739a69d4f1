//! What the streams cost the server, and what each transport costs a phone (`scripts/bench streams`).
//!
//! The server is a process of its own on a core of its own; listeners are bare sockets in this process, which looks at
//! the server's CPU time and memory from outside, so that neither the listeners' work nor a busy machine is counted.
//! Beside it, in the same run, the same is asked of Socket.IO. Every delivery is checked: one lost or doubled fails the run.

mod audience;
pub(crate) mod capacity;
mod carrier;
mod cores;
mod fanout;
mod frames;
mod handset;
mod herd;
mod idle;
mod line;
mod mark;
mod pages;
mod stalled;
mod subject;
mod talker;

use crate::report::table::Table;
use anyhow::{Result, ensure};
use clap::Args;
use std::ops::Range;
use std::path::PathBuf;
use subject::Programs;

/// Makes the server write each message to each listener by itself.
const SEPARATELY: &[&str] = &["--batch-window", "0ms"];

/// A part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Fanout,
    Herd,
    Stalled,
    Idle,
    Phones,
}

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// The chat-server program
    #[arg(long)]
    server: PathBuf,
    /// The folder of Socket.IO's server, its node_modules installed; without it, it is left out
    #[arg(long)]
    socketio: Option<PathBuf>,
    /// Only these parts; the figures of the others are missing from the tables
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Listeners of a room
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Messages a second
    #[arg(long, value_delimiter = ',', default_value = "20,40,100")]
    rates: Vec<f64>,
    /// How long each rate is kept
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// How often the fan-out is measured; medians are told
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Idle connections
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Long-polling clients of one room
    #[arg(long, default_value_t = 1_000)]
    herd: usize,
    /// How long the herd is talked to
    #[arg(long, default_value_t = 20.0)]
    herd_seconds: f64,
    /// Listeners that never read
    #[arg(long, default_value_t = 1_000)]
    stalled: usize,
    /// How long they are talked to
    #[arg(long, default_value_t = 20.0)]
    stalled_seconds: f64,
    /// How long four phones are left alone, to tell an hour from it
    #[arg(long, default_value_t = 300.0)]
    idle_seconds: f64,
    /// Messages to each phone
    #[arg(long, default_value_t = 200)]
    phone_messages: usize,
    /// Polls of a silent hour at the default cadence, as benches/silent_hour.rs counts them
    #[arg(long)]
    silent_polls: Option<f64>,
    /// Pages to renew the tables of, between their markers; all of them, since they are of one run
    #[arg(long, conflicts_with = "only")]
    write: Vec<PathBuf>,
    /// Fail when an aim is missed
    #[arg(long)]
    check: bool,
}

/// Runs what waits for sockets, on this thread.
struct Runner {
    runtime: tokio::runtime::Runtime,
    tasks: tokio::task::LocalSet,
}

impl Runner {
    fn run<T>(&self, job: impl Future<Output = T>) -> T {
        self.tasks.block_on(&self.runtime, job)
    }
}

/// Everything, one after the other.
#[allow(clippy::print_stdout)]
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let runner = Runner { runtime, tasks: tokio::task::LocalSet::new() };
    let programs = Programs { chat_server: options.server.clone(), socket_io: options.socketio.clone() };
    let mut table = Table::default();

    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let mut sections = vec![];
    if wanted(Part::Fanout) {
        sections.push(("fanout", runner.run(fanout::measure(options, &programs, &mut table))?));
    }
    if wanted(Part::Herd) {
        sections.push(("herd", runner.run(herd::measure(options, &programs, &mut table))?));
    }
    if wanted(Part::Stalled) {
        sections.push(("stalled", runner.run(stalled::measure(options, &programs, &mut table))?));
    }
    let mut memory = vec![];
    if wanted(Part::Idle) {
        memory = runner.run(idle::measure(options, &programs, &mut table))?;
    }
    if wanted(Part::Phones) {
        sections.push(("transports", handset::measure(options, &programs, &memory, &runner)?));
    }
    sections.push(("aims", table.markdown()));

    for (_, section) in &sections {
        println!("{section}");
    }
    for file in &options.write {
        pages::write(file, &sections)?;
    }
    ensure!(!options.check || table.missed() == 0, "{} aims missed", table.missed());
    Ok(())
}

/// The users of these numbers.
fn users(numbers: Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("listener-{number}")).collect()
}

/// Says what is going on, where nobody parses it.
#[allow(clippy::print_stderr)]
fn progress(what: &str) {
    eprintln!("{what}");
}
