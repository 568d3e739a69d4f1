//! One room, a thousand listeners: deliveries per CPU second of the server, and how long a message takes.

use super::audience::Audience;
use super::carrier::Carrier;
use super::subject::{Programs, Subject};
use super::talker::{TEXT_BYTES, Talk, talkers};
use super::{Options, SEPARATELY, users};
use crate::report::table::{Table, grid, median, quantile, short};
use anyhow::{Context as _, Result};

/// A server and a way to its listeners.
struct Contender {
    name: &'static str,
    carrier: Carrier,
    flags: &'static [&'static str],
}

const CONTENDERS: [Contender; 6] = [
    Contender { name: "Socket.IO", carrier: Carrier::SocketIo, flags: &[] },
    Contender { name: "WebSocket, one write each", carrier: Carrier::WebSocket, flags: SEPARATELY },
    Contender { name: "WebSocket", carrier: Carrier::WebSocket, flags: &[] },
    Contender { name: "SSE, one write each", carrier: Carrier::Sse, flags: SEPARATELY },
    Contender { name: "SSE", carrier: Carrier::Sse, flags: &[] },
    Contender { name: "long polling", carrier: Carrier::LongPoll, flags: &[] },
];
const SOCKET_IO: usize = 0;
const SOCKET_SEPARATE: usize = 1;
const SOCKET: usize = 2;

/// What a contender made of a rate.
#[derive(Debug, Clone, Default)]
struct Figures {
    per_cpu_second: f64,
    median_ms: f64,
    p99_ms: f64,
    bytes: f64,
    /// What the server took a second, of what was to be said.
    rate: f64,
}

/// Rounds of figures, by rate and contender; those of a contender that is not there are empty.
type Rounds = Vec<Vec<Vec<Figures>>>;

/// Measures all, and returns the table of everything.
pub(crate) async fn measure(options: &Options, programs: &Programs, table: &mut Table) -> Result<String> {
    let mut rounds: Rounds = vec![vec![vec![]; CONTENDERS.len()]; options.rates.len()];
    for round in 1..=options.rounds {
        for (number, contender) in CONTENDERS.iter().enumerate() {
            super::progress(&format!("fan-out, round {round} of {}: {}", options.rounds, contender.name));
            let Some(figures) = contender.measure(options, programs).await.with_context(|| contender.name)?
            else {
                continue;
            };
            for (rate, figures) in figures.into_iter().enumerate() {
                super::progress(&format!("  {} msg/s: {figures:?}", options.rates[rate]));
                rounds[rate][number].push(figures);
            }
        }
    }
    aims(options, &rounds, table);
    Ok(everything(options, &rounds))
}

impl Contender {
    fn start(&self, programs: &Programs) -> Result<Option<Subject>> {
        match (self.carrier, &programs.socket_io) {
            (Carrier::SocketIo, Some(folder)) => Subject::socket_io(folder).map(Some),
            (Carrier::SocketIo, None) => Ok(None),
            _ => Subject::chat_server(&programs.chat_server, self.flags).map(Some),
        }
    }

    /// A figure per rate.
    async fn measure(&self, options: &Options, programs: &Programs) -> Result<Option<Vec<Figures>>> {
        let Some(subject) = self.start(programs)? else { return Ok(None) };
        let listeners = users(0..options.listeners);
        let room = match self.carrier {
            Carrier::SocketIo => 1,
            _ => subject.room(&[talkers(), listeners.clone()].concat()).await?,
        };
        let mut audience = Audience::new(&subject, self.carrier);
        audience.seat(room, &listeners).await?;
        let warm_up = Talk { rate: 20.0, messages: 20, text_bytes: TEXT_BYTES };
        warm_up.hold(&subject, room, 1).await?;
        let mut said = warm_up.messages;
        audience.heard(said).await?;

        let mut figures = vec![];
        for &rate in &options.rates {
            let talk = Talk { rate, messages: (rate * options.seconds) as usize, text_bytes: TEXT_BYTES };
            let tally = audience.tally();
            let (cpu, bytes) = (subject.cpu()?, tally.bytes.get());
            tally.latencies.take();
            let took = talk.hold(&subject, room, said + 1).await?;
            said += talk.messages;
            audience.heard(said).await?;
            let deliveries = (talk.messages * listeners.len()) as f64;
            let latencies = tally.latencies.take();
            figures.push(Figures {
                per_cpu_second: deliveries / (subject.cpu()? - cpu).as_secs_f64(),
                median_ms: median(latencies.clone()),
                p99_ms: quantile(latencies, 0.99),
                bytes: (tally.bytes.get() - bytes) as f64 / deliveries,
                rate: talk.messages as f64 / took.as_secs_f64(),
            });
        }
        Ok(Some(figures))
    }
}

/// The median over the rounds of what `of` makes of one.
fn over(rounds: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    median(rounds.iter().map(of).collect())
}

/// Over the rounds, what `of` makes of two contenders in the same one.
fn between(left: &[Figures], right: &[Figures], of: impl Fn(&Figures, &Figures) -> f64) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| of(left, right)).collect()
}

/// What is told, with how far the rounds lie apart: a median beside its aim says little without.
fn spread(what: &str, rounds: &[f64]) -> String {
    let (least, most) = (quantile(rounds.to_vec(), 0.0), quantile(rounds.to_vec(), 1.0));
    format!("{what} ({} … {})", short(least), short(most))
}

fn aims(options: &Options, rounds: &Rounds, table: &mut Table) {
    let ratio = |ours: &Figures, theirs: &Figures| ours.per_cpu_second / theirs.per_cpu_second;
    let added = |batched: &Figures, separate: &Figures| batched.median_ms - separate.median_ms;
    for (rate, figures) in options.rates.iter().zip(rounds) {
        let [theirs, separate, batched] = [SOCKET_IO, SOCKET_SEPARATE, SOCKET].map(|number| &figures[number]);
        let one_write = between(separate, theirs, ratio);
        let what = format!("deliveries a CPU second against Socket.IO, {rate} msg/s, one write each");
        let (what, value) = (spread(&what, &one_write), median(one_write));
        match (theirs.is_empty(), *rate) {
            (true, _) => {}
            (_, 40.0) => table.at_least(&what, value, "×", 1.8),
            _ => table.figure(&what, value, "×"),
        }
        let together = between(batched, theirs, ratio);
        let what = format!("deliveries a CPU second against Socket.IO, {rate} msg/s, batched");
        let (what, value) = (spread(&what, &together), median(together));
        match (theirs.is_empty(), *rate) {
            (true, _) => {}
            (_, 100.0) => table.at_least(&what, value, "×", 5.0),
            _ => table.figure(&what, value, "×"),
        }
        let wait = between(batched, separate, added);
        let what = spread(&format!("what batching adds to the median, {rate} msg/s"), &wait);
        match *rate {
            // Nothing is to wait; what is left is the difference of two runs.
            20.0 => table.aim(&what, median(wait), "ms", 2.0),
            100.0 => table.aim(&what, median(wait), "ms", 50.0),
            _ => table.figure(&what, median(wait), "ms"),
        }
    }
}

fn everything(options: &Options, rounds: &Rounds) -> String {
    let mut rows = vec![];
    for (rate, figures) in options.rates.iter().zip(rounds) {
        for (contender, of) in CONTENDERS.iter().zip(figures).filter(|(_, of)| !of.is_empty()) {
            rows.push(vec![
                contender.name.to_owned(),
                short(*rate),
                format!("{:.0}", over(of, |figures| figures.rate)),
                format!("{:.0}", over(of, |figures| figures.per_cpu_second / 1e3)),
                short(median(between(of, &figures[SOCKET_IO], |ours, theirs| {
                    ours.per_cpu_second / theirs.per_cpu_second
                }))),
                short(over(of, |figures| figures.median_ms)),
                short(over(of, |figures| figures.p99_ms)),
                format!("{:.0}", over(of, |figures| figures.bytes)),
            ]);
        }
    }
    let headings = [
        "to each of the listeners by",
        "msg/s asked",
        "kept",
        "thousand deliveries / CPU s",
        "× Socket.IO",
        "median ms",
        "p99 ms",
        "bytes each",
    ];
    grid(&headings, &rows)
}
