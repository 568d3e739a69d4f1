//! A thousand long-polling clients of one room, who all are answered and all ask again at the same instant.

use super::audience::Audience;
use super::carrier::Carrier;
use super::line::Line;
use super::subject::{Programs, Subject};
use super::talker::{TEXT_BYTES, Talk, talkers};
use super::{Options, users};
use crate::report::table::{Table, grid, median, quantile, short};
use anyhow::{Context as _, Result, ensure};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Messages a second: a conversation, and a lively one.
const PACES: [f64; 2] = [1.0, 5.0];

/// How often the server is looked at. Its peaks are of this length.
const LOOK: Duration = Duration::from_millis(100);

/// Between two requests of somebody who is not part of the herd.
const BYSTANDER: Duration = Duration::from_millis(10);

/// What the herd did.
struct Figures {
    requests_per_delivery: f64,
    /// Requests in the worst stretch of 10 ms, and of 100 ms.
    worst_10: usize,
    worst_100: usize,
    /// CPU per delivery in µs, and the busiest 100 ms as a share of a core.
    cpu_us: f64,
    busiest: f64,
    /// How long somebody else's request takes meanwhile.
    bystander_p99_ms: f64,
    bystander_worst_ms: f64,
    median_ms: f64,
    p99_ms: f64,
}

/// Measures with the spread that the server asks for kept and ignored, tells the table, returns a table of its own.
pub(crate) async fn measure(options: &Options, programs: &Programs, table: &mut Table) -> Result<String> {
    let mut rows = vec![];
    for pace in PACES {
        let mut of = vec![];
        for keeps_jitter in [false, true] {
            let how = if keeps_jitter { "kept" } else { "ignored" };
            super::progress(&format!("{} long polls, {pace} msg/s, jitter {how}", options.herd));
            let figures = stampede(options, programs, pace, keeps_jitter).await.context("the herd")?;
            rows.push(vec![
                format!("{pace} msg/s, jitter {how}"),
                short(figures.requests_per_delivery),
                figures.worst_10.to_string(),
                figures.worst_100.to_string(),
                short(figures.cpu_us),
                format!("{:.0} %", figures.busiest * 1e2),
                format!("{} / {}", short(figures.bystander_p99_ms), short(figures.bystander_worst_ms)),
                format!("{} / {}", short(figures.median_ms), short(figures.p99_ms)),
            ]);
            of.push(figures);
        }
        if let [ignored, kept] = of.as_slice() {
            let share = |of: fn(&Figures) -> f64| of(kept) / of(ignored);
            let what = |what: &str| format!("herd at {pace} msg/s, jitter kept against ignored: {what}");
            table.figure(&what("requests in the worst 10 ms"), share(|f| f.worst_10 as f64), "×");
            table.figure(&what("requests per delivery"), share(|f| f.requests_per_delivery), "×");
        }
    }
    let headings = [
        "herd",
        "requests / delivery",
        "worst 10 ms",
        "worst 100 ms",
        "CPU µs / delivery",
        "busiest 100 ms",
        "another's request ms, p99 / worst",
        "delivery ms, median / p99",
    ];
    Ok(grid(&headings, &rows))
}

async fn stampede(options: &Options, programs: &Programs, pace: f64, keeps_jitter: bool) -> Result<Figures> {
    let subject = Rc::new(Subject::chat_server(&programs.chat_server, &[])?);
    let herd = users(0..options.herd);
    let room = subject.room(&[talkers(), herd.clone()].concat()).await?;
    let mut audience = Audience::new(&subject, Carrier::LongPoll);
    audience.keeps_jitter = keeps_jitter;
    audience.seat(room, &herd).await?;
    // Each has asked for the first time, and been answered once.
    Talk { rate: 1.0, messages: 2, text_bytes: TEXT_BYTES }.hold(&subject, room, 1).await?;
    audience.heard(2).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let tally = audience.tally();
    tally.asked.take();
    tally.latencies.take();
    let watch = Watch::begin(&subject).await?;
    let cpu = subject.cpu()?;
    let talk = Talk { rate: pace, messages: (pace * options.herd_seconds) as usize, text_bytes: TEXT_BYTES };
    talk.hold(&subject, room, 3).await?;
    audience.heard(2 + talk.messages).await?;
    // The last answers' questions belong to them.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let cpu = subject.cpu()? - cpu;
    let (busiest, waits) = watch.end();
    let deliveries = (talk.messages * herd.len()) as f64;
    let (asked, latencies) = (tally.asked.take(), tally.latencies.take());
    Ok(Figures {
        requests_per_delivery: asked.len() as f64 / deliveries,
        worst_10: worst(&asked, Duration::from_millis(10)),
        worst_100: worst(&asked, Duration::from_millis(100)),
        cpu_us: cpu.as_secs_f64() * 1e6 / deliveries,
        busiest,
        bystander_worst_ms: quantile(waits.clone(), 1.0),
        bystander_p99_ms: quantile(waits, 0.99),
        median_ms: median(latencies.clone()),
        p99_ms: quantile(latencies, 0.99),
    })
}

/// The most of these moments, which are in order, within a stretch as long as this.
fn worst(moments: &[Duration], stretch: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, moment) in moments.iter().enumerate() {
        while *moment - moments[first] > stretch {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Looks at the server's CPU and asks it something from time to time, until it is ended.
struct Watch {
    busiest: Rc<RefCell<f64>>,
    waits: Rc<RefCell<Vec<f64>>>,
    tasks: tokio::task::JoinSet<Result<()>>,
}

impl Watch {
    async fn begin(subject: &Rc<Subject>) -> Result<Self> {
        let mut tasks = tokio::task::JoinSet::new();
        let (busiest, waits) = (Rc::<RefCell<f64>>::default(), Rc::<RefCell<Vec<f64>>>::default());
        let (subject, most) = (subject.clone(), busiest.clone());
        let mut line = Line::connect(subject.address).await?;
        tasks.spawn_local(async move {
            let (mut cpu, mut at) = (subject.fine_cpu()?, Instant::now());
            loop {
                tokio::time::sleep(LOOK).await;
                let (cpu_now, now) = (subject.fine_cpu()?, Instant::now());
                let share = cpu_now.saturating_sub(cpu).as_secs_f64() / (now - at).as_secs_f64();
                most.replace_with(|most| most.max(share));
                (cpu, at) = (cpu_now, now);
            }
        });
        let all = waits.clone();
        tasks.spawn_local(async move {
            loop {
                tokio::time::sleep(BYSTANDER).await;
                let asked = Instant::now();
                let answer = line.ask(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n").await?;
                ensure!(answer.status == 200, "/healthz: {}", answer.status);
                all.borrow_mut().push(asked.elapsed().as_secs_f64() * 1e3);
            }
        });
        Ok(Self { busiest, waits, tasks })
    }

    /// The busiest look, and how long each request took in milliseconds.
    fn end(mut self) -> (f64, Vec<f64>) {
        self.tasks.abort_all();
        (self.busiest.take(), self.waits.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_stretch_is_found_wherever_it_begins() {
        let moments = [0, 9, 30, 35, 39, 41, 90].map(Duration::from_millis);
        assert_eq!(worst(&moments, Duration::from_millis(10)), 3);
        assert_eq!(worst(&[], Duration::from_millis(10)), 0);
    }
}
