//! What one node does on one core (`scripts/bench server`): the capacity table of docs/operations.md.
//!
//! Each figure is the server's CPU time to an operation, looked at from outside, so that a busy machine changes little
//! in it; what was done in a second of the clock stands beside it, and does depend on what else the machine does.
//! The server has a core of its own. PostgreSQL has none, and its own CPU time is told apart.

use super::audience::Audience;
use super::carrier::Carrier;
use super::line::Line;
use super::subject::{Programs, Subject, created, post, token};
use super::talker::{TEXT_BYTES, Talk, talkers};
use super::{Runner, idle, pages, progress, users};
use crate::report::table::{grid, median, quantile, short};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Who asks or says something without a pause: enough to fill a group commit, few enough that nobody waits long.
const BUSY: usize = 32;

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// The chat-server program
    #[arg(long)]
    server: PathBuf,
    /// An empty PostgreSQL database to measure on as well
    #[arg(long)]
    postgres: Option<String>,
    /// The process that PostgreSQL's others are children of, to tell their CPU time
    #[arg(long)]
    postmaster: Option<u32>,
    /// How long each figure is taken
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Listeners of the room of the fan-out
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Idle connections
    #[arg(long, default_value_t = 4_000)]
    connections: usize,
    /// Put the table into this document
    #[arg(long)]
    write: Vec<PathBuf>,
}

/// What was done and what it took.
struct Figures {
    per_second: f64,
    /// Microseconds of the server's to each.
    cpu: f64,
    /// Of PostgreSQL's.
    database: Option<f64>,
    latencies: Vec<f64>,
}

/// Measures all and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let runner = Runner { runtime, tasks: tokio::task::LocalSet::new() };
    let table = runner.run(measure(options))?;
    println!("{table}");
    for file in &options.write {
        pages::write(file, &[("capacity", table.clone())])?;
    }
    Ok(())
}

async fn measure(options: &Options) -> Result<String> {
    let machine = machine()?;
    let mut rows = vec![];
    for database in
        std::iter::once(None).chain([options.postgres.as_deref()].into_iter().filter(Option::is_some))
    {
        let name = if database.is_some() { "PostgreSQL" } else { "SQLite" };
        for rooms in [1, BUSY] {
            progress(&format!("{name}: sends, {rooms} rooms"));
            let what = if rooms == 1 { "send, one room" } else { "send, 32 rooms" };
            rows.push(row(&format!("{what}, {name}"), &sends(options, database, rooms).await?));
        }
        progress(&format!("{name}: idle polls"));
        rows.push(row(&format!("poll with nothing new, {name}"), &polls(options, database).await?));
    }
    for carrier in [Carrier::WebSocket, Carrier::Sse, Carrier::LongPoll] {
        progress(&format!("deliveries, {}", carrier.name()));
        let what = format!("delivery to one of {} listeners, {}", options.listeners, carrier.name());
        rows.push(row(&what, &deliveries(options, carrier).await.context(carrier.name())?));
    }
    let headings = ["", "server's CPU", "a core does", "in this run", "PostgreSQL's CPU", "median", "99 %"];
    let mut table = format!("{machine}\n\n{}\n", grid(&headings, &rows));
    let programs = Programs { chat_server: options.server.clone(), socket_io: None };
    let mut memory = vec![];
    for carrier in [Carrier::WebSocket, Carrier::Sse, Carrier::LongPoll, Carrier::Polling] {
        progress(&format!("{} idle connections: {}", options.connections, carrier.name()));
        let kib = idle::of_one(carrier, options.connections, &programs).await.context(carrier.name())?;
        memory.push(vec![
            carrier.name().to_owned(),
            format!("{kib:.1} KiB"),
            format!("{:.0} MiB", kib * 10_000.0 / 1024.0),
        ]);
    }
    table += &grid(&["idle connection", "memory", "10,000 of them"], &memory);
    Ok(table)
}

fn row(what: &str, figures: &Figures) -> Vec<String> {
    vec![
        what.to_owned(),
        format!("{:.1} µs", figures.cpu),
        format!("{}/s", short(1e6 / figures.cpu)),
        format!("{}/s", short(figures.per_second)),
        figures.database.map_or_else(String::new, |cpu| format!("{cpu:.0} µs")),
        format!("{:.1} ms", median(figures.latencies.clone())),
        format!("{:.1} ms", quantile(figures.latencies.clone(), 0.99)),
    ]
}

/// Everybody says one thing after the other.
async fn sends(options: &Options, database: Option<&str>, rooms: usize) -> Result<Figures> {
    let subject = Subject::on(&options.server, database, &[])?;
    let mut numbers = vec![];
    for _ in 0..rooms {
        numbers.push(subject.room(&talkers()).await?);
    }
    let run =
        format!("{:?}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros());
    let requests = talkers().into_iter().take(BUSY).enumerate().map(|(number, talker)| {
        let path = format!("/v1/rooms/{}/messages", numbers[number % rooms]);
        let (token, body) =
            (token(&talker)?, serde_json::json!({ "text": "x".repeat(TEXT_BYTES) }).to_string());
        let run = run.clone();
        Ok(move |turn: usize| post(&path, &token, &format!("{run}-{number}-{turn}"), &body))
    });
    busy(options, database, &subject, requests.collect::<Result<Vec<_>>>()?, 201).await
}

/// Everybody asks whether there is anything new, and there never is.
async fn polls(options: &Options, database: Option<&str>) -> Result<Figures> {
    let subject = Subject::on(&options.server, database, &[])?;
    let room = subject.room(&talkers()).await?;
    let (mut line, talker) = (Line::connect(subject.address).await?, token(&talkers()[0])?);
    let path = format!("/v1/rooms/{room}/messages");
    created(&line.ask(&post(&path, &talker, "first", r#"{"text":"first"}"#)).await?)?;
    let requests = talkers().into_iter().take(BUSY).map(|talker| {
        let request = format!(
            "GET {path}?after=1 HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\r\n",
            token(&talker)?
        );
        Ok(move |_: usize| request.clone().into_bytes())
    });
    busy(options, database, &subject, requests.collect::<Result<Vec<_>>>()?, 204).await
}

/// Asks all of them without a pause, after a second that is not counted.
async fn busy<R: Fn(usize) -> Vec<u8> + 'static>(
    options: &Options,
    database: Option<&str>,
    subject: &Subject,
    requests: Vec<R>,
    status: u16,
) -> Result<Figures> {
    let (over, latencies) = (Rc::new(Cell::new(false)), Rc::new(RefCell::new(vec![])));
    let mut tasks = JoinSet::new();
    for request in requests {
        let mut line = Line::connect(subject.address).await?;
        let (over, latencies) = (Rc::clone(&over), Rc::clone(&latencies));
        tasks.spawn_local(async move {
            for turn in 0.. {
                if over.get() {
                    break;
                }
                let asked = Instant::now();
                let answer = line.ask(&request(turn)).await?;
                ensure!(
                    answer.status == status,
                    "{}: {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
                latencies.borrow_mut().push(asked.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    latencies.borrow_mut().clear();
    let postmaster = options.postmaster.filter(|_| database.is_some());
    let (begun, cpu, theirs) = (Instant::now(), subject.cpu()?, postmaster.map(children));
    tokio::time::sleep(Duration::from_secs_f64(options.seconds)).await;
    let (took, cpu) = (begun.elapsed(), subject.cpu()? - cpu);
    let theirs = postmaster.map(children).zip(theirs).map(|(after, before)| after.saturating_sub(before));
    let latencies = latencies.take();
    over.set(true);
    while let Some(outcome) = tasks.join_next().await {
        outcome??;
    }
    let count = latencies.len() as f64;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count;
    Ok(Figures {
        per_second: count / took.as_secs_f64(),
        cpu: each(cpu),
        database: theirs.map(each),
        latencies,
    })
}

/// A lively room: twenty messages a second to everybody.
async fn deliveries(options: &Options, carrier: Carrier) -> Result<Figures> {
    let subject = Subject::on(&options.server, None, &[])?;
    let listeners = users(0..options.listeners);
    let room = subject.room(&[talkers(), listeners.clone()].concat()).await?;
    let mut audience = Audience::new(&subject, carrier);
    audience.seat(room, &listeners).await?;
    let warm_up = Talk { rate: 20.0, messages: 20, text_bytes: TEXT_BYTES };
    warm_up.hold(&subject, room, 1).await?;
    audience.heard(warm_up.messages).await?;
    audience.tally().latencies.take();
    let cpu = subject.cpu()?;
    let talk = Talk { messages: (20.0 * options.seconds) as usize, ..warm_up };
    let took = talk.hold(&subject, room, warm_up.messages + 1).await?;
    audience.heard(warm_up.messages + talk.messages).await?;
    let count = (talk.messages * listeners.len()) as f64;
    Ok(Figures {
        per_second: count / took.as_secs_f64(),
        cpu: (subject.cpu()? - cpu).as_secs_f64() * 1e6 / count,
        database: None,
        latencies: audience.tally().latencies.take(),
    })
}

/// CPU time of a process and those it has started.
fn children(parent: u32) -> Duration {
    let mut ticks = 0;
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map_or("", |(_, fields)| fields)
            .split_whitespace()
            .map(|n| n.parse().unwrap_or(0))
            .collect();
        let own = process.file_name().to_string_lossy() == parent.to_string();
        if fields.len() > 12 && (own || fields[1] == u64::from(parent)) {
            ticks += fields[11] + fields[12];
        }
    }
    Duration::from_millis(10 * ticks)
}

/// What all this was measured on, in words.
fn machine() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |of| of.1);
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let kib: u64 = memory.split_whitespace().nth(1).context("no MemTotal")?.parse()?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or("?");
    Ok(format!(
        "{cores} cores ({model}), {} GiB of memory; the load was {load} when the run began, with nothing of its own yet.",
        kib >> 20
    ))
}
