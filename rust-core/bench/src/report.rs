//! The run: starts each figure's process, sets the figures side by side, prints the table.

pub(crate) mod child;
pub(crate) mod table;

use crate::proxy::{Passed, Proxy};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use child::{Child, run_child};
use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use table::{Table, median};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// The chat-server program to measure against
    #[arg(long)]
    server: PathBuf,
    /// Messages to catch up with
    #[arg(long, default_value_t = 100_000)]
    messages: i64,
    /// Messages in the large cache
    #[arg(long, default_value_t = 1_000_000)]
    large: i64,
    /// Empty polls to a figure
    #[arg(long, default_value_t = 2_000)]
    polls: u64,
    /// Milliseconds between an answer and the next poll, while polls are measured
    #[arg(long, default_value_t = 2)]
    interval: u64,
    /// How often each pair of figures is taken; the median is told
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Polls of a silent hour at the default cadence, as benches/silent_hour.rs counts them
    #[arg(long)]
    silent_polls: Option<u64>,
    /// Fail when an aim is missed
    #[arg(long)]
    check: bool,
}

/// Everything, one after the other: nothing else runs while something is measured.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&options.server, folder.path())?;
    let mut bench = Bench { options, folder: folder.path(), table: Table::default() };
    let room = server.room()?;

    // Each looks at the room while it is young, so that all of it lies ahead; a cache belongs to an origin.
    let (begun, over_1, over_2) =
        (bench.place("begun"), bench.place("over-http1"), bench.place("over-http2"));
    let certificate = bench.place("proxy.der");
    let plain = Line { proxy: Proxy::start(server.address, None)?, data: over_1, trust: None };
    let proxy = Proxy::start(server.address, Some(&certificate))?;
    let secure = Line { proxy, data: over_2, trust: Some(certificate) };
    bench.catch_up(&server, &server.url(), room, &begun, 1, None)?;
    for line in [&plain, &secure] {
        bench.catch_up(&server, &line.proxy.url, room, &line.data, 1, line.trust.as_deref())?;
    }
    server.grow(room, options.messages)?;
    bench.measure_catch_up(&server, room, &begun)?;
    bench.measure_polls(&server, room, &plain, &secure)?;
    bench.measure_opening(&mut server, room)?;
    bench.measure_memory(&server, room)?;

    bench.table.print();
    ensure!(!options.check || bench.table.missed() == 0, "{} aims missed", bench.table.missed());
    Ok(())
}

struct Bench<'a> {
    options: &'a Options,
    folder: &'a Path,
    table: Table,
}

/// A way to the server on which bytes are counted, and the phone that takes it.
struct Line {
    proxy: Proxy,
    data: PathBuf,
    trust: Option<PathBuf>,
}

/// How polls are taken to be measured.
#[derive(Clone, Copy)]
struct Pace {
    /// Milliseconds between an answer and the next.
    interval: u64,
    polls: u64,
}

/// What a poll costs.
struct Poll {
    cpu_us: f64,
    up: f64,
    down: f64,
}

impl Poll {
    fn bytes(&self) -> f64 {
        self.up + self.down
    }
}

impl Bench<'_> {
    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn catch_up(
        &self,
        server: &Server,
        url: &str,
        room: i64,
        data: &Path,
        until: i64,
        trust: Option<&Path>,
    ) -> Result<Value> {
        let mut arguments = account(server, url, room, data, trust);
        arguments.extend(["--until".into(), until.to_string()]);
        run_child("catch-up", &arguments)
    }

    fn measure_catch_up(&mut self, server: &Server, room: i64, begun: &Path) -> Result<()> {
        let messages = self.options.messages;
        let (mut raw, mut batched, mut engine, mut ratios) = (vec![], vec![], vec![], vec![]);
        let mut peak: f64 = 0.0;
        for run in 0..self.options.runs {
            let of_raw = |name: &str, batch: i64| -> Result<f64> {
                let file = self.place(&format!("{name}-{run}.sqlite3")).display().to_string();
                let arguments =
                    ["--file", &file, "--messages", &messages.to_string(), "--batch", &batch.to_string()];
                number(&run_child("raw-insert", &arguments.map(String::from))?, "cpu_ms")
            };
            let one = of_raw("raw", messages)?;
            batched.push(of_raw("batched", 500)?);
            let data = self.place(&format!("caught-up-{run}"));
            copy_folder(begun, &data)?;
            let figures = self.catch_up(server, &server.url(), room, &data, messages, None)?;
            let cpu = number(&figures, "cpu_ms")?;
            peak = peak.max(number(&figures, "peak_kib")?);
            raw.push(one);
            engine.push(cpu);
            ratios.push(cpu / one);
        }
        let per_thousand = |ms: Vec<f64>| median(ms) * 1e3 / messages as f64;
        let table = &mut self.table;
        table.figure("raw insert, one transaction", per_thousand(raw), "ms CPU / 1,000");
        table.figure("raw insert, a transaction per 500", per_thousand(batched), "ms CPU / 1,000");
        table.figure("catch-up: wire → cache → listener", per_thousand(engine), "ms CPU / 1,000");
        table.aim("catch-up against raw insert", median(ratios), "×", 2.0);
        table.figure("catch-up: most memory", peak / 1024.0, "MiB");
        Ok(())
    }

    fn measure_polls(&mut self, server: &Server, room: i64, plain: &Line, secure: &Line) -> Result<()> {
        for line in [plain, secure] {
            let trust = line.trust.as_deref();
            self.catch_up(server, &line.proxy.url, room, &line.data, self.options.messages, trust)?;
        }
        let tight = Pace { interval: 0, polls: 5 * self.options.polls };
        let pace = Pace { interval: self.options.interval, polls: self.options.polls };
        // As on a phone: the answer's `date` is another each second, and HTTP/2 cannot leave it out.
        let at_ease = Pace { interval: 1_000, polls: 20 };
        let (mut floor, mut bare, mut http1, mut http2, mut ratios) =
            (vec![], vec![], vec![], vec![], vec![]);
        for _ in 0..self.options.runs {
            floor.push(self.poll("bare-poll", server, room, plain, tight)?.cpu_us);
            bare.push(self.poll("bare-poll", server, room, plain, pace)?.cpu_us);
            http1.push(self.poll("idle-poll", server, room, plain, pace)?.cpu_us);
            http2.push(self.poll("idle-poll", server, room, secure, pace)?.cpu_us);
            ratios.extend(http1.last().zip(bare.last()).map(|(engine, bare)| engine / bare));
        }
        let bytes1 = self.poll("idle-poll", server, room, plain, at_ease)?;
        let bytes2 = self.poll("idle-poll", server, room, secure, at_ease)?;

        let table = &mut self.table;
        let (floor, engine) = (median(floor), median(http1));
        table.figure("bare socket, without pauses", floor, "µs CPU");
        table.figure("bare socket, at the same pace", median(bare), "µs CPU");
        table.figure("empty poll, HTTP/1.1", engine, "µs CPU");
        table.figure("empty poll, HTTP/2 in TLS", median(http2), "µs CPU");
        table.aim("empty poll against bare socket, same pace", median(ratios), "×", 3.0);
        table.aim("empty poll against bare socket without pauses", engine / floor, "×", 3.0);
        table.figure("token", server.token.len() as f64, "bytes");
        table.figure("empty poll at 1 s, HTTP/1.1, up", bytes1.up, "bytes");
        table.aim("empty poll at 1 s, HTTP/1.1, both ways", bytes1.bytes(), "bytes", 450.0);
        table.figure("empty poll at 1 s, HTTP/2, up", bytes2.up, "bytes");
        table.aim("empty poll at 1 s, HTTP/2, both ways", bytes2.bytes(), "bytes", 70.0);
        table.aim("an hour at 1 s, HTTP/2", bytes2.bytes() * 3600.0 / 1e6, "MB", 0.25);
        if let Some(polls) = self.options.silent_polls {
            let polls = polls as f64;
            table.figure("polls of a silent hour, adaptive", polls, "polls");
            table.aim("a silent hour, adaptive against 1 s", polls / 3600.0, "×", 0.1);
            table.aim("a silent hour, adaptive, HTTP/2", polls * bytes2.bytes() / 1e6, "MB", 0.25);
        }
        Ok(())
    }

    fn poll(&self, what: &str, server: &Server, room: i64, line: &Line, pace: Pace) -> Result<Poll> {
        let proxy = &line.proxy;
        let mut arguments = account(server, &proxy.url, room, &line.data, line.trust.as_deref());
        arguments.extend(["--interval".into(), pace.interval.to_string()]);
        let mut child = Child::start(what, &arguments)?;
        let settled = wait_for(proxy, proxy.passed().answers + pace.polls / 10)?;
        let before = number(&child.probe()?, "cpu_ms")?;
        let passed = wait_for(proxy, settled.answers + pace.polls)?;
        let cpu = number(&child.probe()?, "cpu_ms")? - before;
        child.end()?;
        let polls = (passed.answers - settled.answers) as f64;
        Ok(Poll {
            cpu_us: cpu * 1e3 / polls,
            up: (passed.up - settled.up) as f64 / polls,
            down: (passed.down - settled.down) as f64 / polls,
        })
    }

    fn measure_opening(&mut self, server: &mut Server, room: i64) -> Result<()> {
        let (messages, large) = (self.options.messages, self.options.large);
        let other = server.room()?;
        let (small_data, large_data) = (self.place("caught-up-0"), self.place("large"));
        self.catch_up(server, &server.url(), other, &large_data, 1, None)?;
        server.grow(other, large)?;
        let figures = self.catch_up(server, &server.url(), other, &large_data, large, None)?;
        let per_thousand = number(&figures, "cpu_ms")? * 1e3 / large as f64;
        self.table.figure(&format!("catch-up of {large}"), per_thousand, "ms CPU / 1,000");
        let (mut small, mut big, mut ratios) = (vec![], vec![], vec![]);
        for _ in 0..3 * self.options.runs {
            let open = |room, data: &Path| -> Result<f64> {
                let figures = run_child("open", &account(server, &server.url(), room, data, None))?;
                ensure!(number(&figures, "rows")? > 0.0, "the first rows are none");
                number(&figures, "wall_ms")
            };
            small.push(open(room, &small_data)?);
            big.push(open(other, &large_data)?);
            ratios.push(big[big.len() - 1] / small[small.len() - 1]);
        }
        self.table.figure(&format!("open → first rows, {messages} cached"), median(small), "ms");
        self.table.figure(&format!("open → first rows, {large} cached"), median(big), "ms");
        self.table.aim("open: growth", median(ratios), "×", 1.5);
        Ok(())
    }

    fn measure_memory(&mut self, server: &Server, room: i64) -> Result<()> {
        let few = server.room()?;
        let data = self.place("few");
        self.catch_up(server, &server.url(), few, &data, 1, None)?;
        for (what, room, data) in [
            ("1".to_owned(), few, data),
            (self.options.messages.to_string(), room, self.place("caught-up-0")),
        ] {
            let mut child = Child::start("idle-poll", &account(server, &server.url(), room, &data, None))?;
            std::thread::sleep(Duration::from_secs(3)); // a few polls, so that all that they need is there
            let figures = child.probe()?;
            child.end()?;
            let mib = |name| number(&figures, name).map(|kib| kib / 1024.0);
            self.table.figure(&format!("memory, open and polling, {what} cached"), mib("rss_kib")?, "MiB");
            self.table.figure("  of which not a file's", mib("anonymous_kib")?, "MiB");
        }
        Ok(())
    }
}

/// What a phone is told.
pub(crate) fn account(
    server: &Server,
    url: &str,
    room: i64,
    data: &Path,
    trust: Option<&Path>,
) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["--server", url, "--user", crate::data::ME, "--token", &server.token, "--room", &room.to_string()]
            .map(String::from)
            .into();
    arguments.extend(["--data".into(), data.display().to_string()]);
    arguments.extend(trust.iter().flat_map(|path| ["--trust".into(), path.display().to_string()]));
    arguments
}

fn wait_for(proxy: &Proxy, answers: u64) -> Result<Passed> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let passed = proxy.passed();
        if passed.answers >= answers {
            return Ok(passed);
        }
        ensure!(Instant::now() < deadline, "the polls stopped coming");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One of a process's figures.
pub(crate) fn number(figures: &Value, name: &str) -> Result<f64> {
    figures[name].as_f64().with_context(|| format!("no {name} in {figures}"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
