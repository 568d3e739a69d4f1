//! What each transport costs a phone: the engine itself, as an app has it, behind a proxy that counts.

use super::audience::now;
use super::carrier::Carrier;
use super::idle::Memory;
use super::line::Line;
use super::mark::Mark;
use super::subject::{Programs, Subject, created, post, token};
use super::talker::{TEXT_BYTES, talkers};
use super::{Options, Runner};
use crate::data::ME;
use crate::proxy::{Passed, Proxy};
use crate::report::table::{grid, median, quantile, short};
use anyhow::{Context as _, Result, ensure};
use chat_engine::protocol::{RoomId, UserId};
use chat_engine::{
    Account, ConnectionState, Engine, EngineConfig, ListenerFailed, Room, RoomListener, StaticToken,
    TimelineUpdate, Token, TransportChoice, TransportKind,
};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a phone may take to connect, or a message to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

const KINDS: [(TransportKind, Carrier, &str); 4] = [
    (TransportKind::Polling, Carrier::Polling, "polling"),
    (TransportKind::LongPolling, Carrier::LongPoll, "long polling"),
    (TransportKind::Sse, Carrier::Sse, "SSE"),
    (TransportKind::WebSocket, Carrier::WebSocket, "WebSocket"),
];

/// What a phone has asked and what has passed.
#[derive(Debug, Clone, Copy)]
struct Cost {
    requests: f64,
    bytes: f64,
}

/// Measures all four and returns their table.
pub(crate) fn measure(
    options: &Options,
    programs: &Programs,
    memory: &Memory,
    runner: &Runner,
) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let subject = Subject::chat_server(&programs.chat_server, &[])?;
    let mut phones = vec![];
    for (kind, _, name) in KINDS {
        phones.push(Phone::start(&subject, kind, &folder.path().join(name), runner).context(name)?);
    }
    super::progress(&format!("four phones, nothing said, {} s", options.idle_seconds));
    let before: Vec<Cost> = phones.iter().map(Phone::cost).collect();
    std::thread::sleep(Duration::from_secs_f64(options.idle_seconds));
    let hour = 3_600.0 / options.idle_seconds;
    let idle: Vec<Cost> =
        phones.iter().zip(before).map(|(phone, before)| phone.cost().since(before)).collect();

    let mut rows = vec![];
    for (((_, carrier, name), phone), idle) in KINDS.into_iter().zip(&mut phones).zip(idle) {
        super::progress(&format!("{} messages to a phone: {name}", options.phone_messages));
        // The first one ends the silence; what is told is of a room that talks.
        runner.run(phone.talk(&subject, 1..=1))?;
        let before = phone.cost();
        runner.run(phone.talk(&subject, 2..=options.phone_messages + 1))?;
        let mut spent = phone.cost().since(before);
        ensure!(phone.is_still(), "it fell back from {name}");
        let latencies = phone.ear.heard().latencies[1..].to_vec();
        let mut hour = Cost { requests: idle.requests * hour, bytes: idle.bytes * hour };
        if carrier == Carrier::Polling {
            // An hour's polls are fewer than its first minutes', and a message comes with one that there is anyway.
            let poll = idle.bytes / idle.requests;
            spent = Cost { requests: 0.0, bytes: spent.bytes - spent.requests * poll };
            rows.push(row("polling each second", &Cost { requests: 3_600.0, bytes: 3_600.0 * poll }));
            let polls = options.silent_polls.unwrap_or(f64::NAN);
            hour = Cost { requests: polls, bytes: polls * poll };
        }
        let mut cells = row(name, &hour);
        let messages = options.phone_messages as f64;
        let kib = memory.iter().find(|(other, _)| *other == carrier).map_or(f64::NAN, |(_, kib)| *kib);
        cells.truncate(3);
        cells.extend([
            short(spent.requests / messages),
            format!("{:.0}", spent.bytes / messages),
            short(median(latencies.clone())),
            short(quantile(latencies, 0.99)),
            short(kib),
        ]);
        rows.push(cells);
    }
    let headings = [
        "",
        "requests, idle hour",
        "KB, idle hour",
        "requests a message adds",
        "bytes a message adds",
        "latency p50, ms",
        "latency p99, ms",
        "server KiB a connection",
    ];
    Ok(grid(&headings, &rows))
}

/// An idle hour's half of a row.
fn row(name: &str, hour: &Cost) -> Vec<String> {
    let mut cells = vec![name.to_owned(), format!("{:.0}", hour.requests), short(hour.bytes / 1e3)];
    cells.resize(8, String::new());
    cells
}

impl Cost {
    fn since(self, before: Cost) -> Cost {
        Cost { requests: self.requests - before.requests, bytes: self.bytes - before.bytes }
    }
}

/// An engine with one room open, behind a proxy of its own.
struct Phone {
    kind: TransportKind,
    ear: Arc<Ear>,
    room: Room,
    engine: Engine,
    proxy: Proxy,
    number: i64,
}

impl Phone {
    fn start(subject: &Subject, kind: TransportKind, data: &Path, runner: &Runner) -> Result<Self> {
        let number = runner.run(subject.room(&[talkers(), vec![ME.to_owned()]].concat()))?;
        let proxy = Proxy::start(subject.address, None)?;
        let account = Account::new(&proxy.url, UserId::new(ME)?, true)?;
        let mut config = EngineConfig::new(account, data);
        config.transport = TransportChoice::Only(kind);
        let token = StaticToken(Token::new(token(ME)?));
        let engine = Engine::open(config, Arc::new(token), None)?;
        let ear = Arc::<Ear>::default();
        let room = engine.room(RoomId::new(number)?, ear.clone())?;
        room.start();
        let phone = Self { kind, ear, room, engine, proxy, number };
        let connected = Instant::now();
        while !phone.is_still() {
            ensure!(connected.elapsed() < PATIENCE, "not connected: {:?}", phone.ear.heard().connection);
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(phone)
    }

    /// Whether it hears by the transport that it was told to.
    fn is_still(&self) -> bool {
        self.ear.heard().connection == Some(ConnectionState::Live { transport: self.kind })
    }

    fn cost(&self) -> Cost {
        let Passed { up, down, .. } = self.proxy.passed();
        Cost { requests: self.engine.traffic().requests as f64, bytes: (up + down) as f64 }
    }

    /// Somebody says these messages to it, at times that have nothing to do with its own.
    async fn talk(&self, subject: &Subject, numbers: RangeInclusive<usize>) -> Result<()> {
        let (mut line, token) = (Line::connect(subject.address).await?, token("talker-1")?);
        let path = format!("/v1/rooms/{}/messages", self.number);
        let last = *numbers.end();
        for number in numbers {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(100..=700))).await;
            let text = Mark { number, at: now() }.text(TEXT_BYTES);
            let body = serde_json::json!({ "text": text }).to_string();
            created(&line.ask(&post(&path, &token, &number.to_string(), &body)).await?)?;
        }
        let heard = || self.ear.heard().latencies.len() >= last;
        ensure!(super::subject::wait_until(PATIENCE, heard).await, "a message did not arrive");
        Ok(())
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.room.stop();
        self.engine.close();
    }
}

#[derive(Debug, Default)]
struct Heard {
    connection: Option<ConnectionState>,
    /// In milliseconds, of each message once.
    latencies: Vec<f64>,
    last: usize,
}

/// Hears as a screen does, and looks at the clock.
#[derive(Default)]
struct Ear(Mutex<Heard>);

impl Ear {
    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomListener for Ear {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        let at = now();
        let (TimelineUpdate::Snapshot { items, .. } | TimelineUpdate::Diff { upserted: items, .. }) = update;
        let mut heard = self.heard();
        for mark in items.iter().filter_map(|item| Mark::find(&item.text)) {
            // A diff may tell of a neighbour again.
            if mark.number > heard.last {
                heard.last = mark.number;
                heard.latencies.push((at - mark.at).as_secs_f64() * 1e3);
            }
        }
        Ok(())
    }

    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerFailed> {
        self.heard().connection = Some(state);
        Ok(())
    }
}
