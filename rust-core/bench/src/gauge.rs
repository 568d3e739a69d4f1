//! What the operating system says of this process.

use serde_json::{Value, json};
use std::io::BufRead;
use std::time::{Duration, Instant};

/// CPU time of all threads of this process, those that have ended too, user and system together.
pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU and wall time of a stretch of this process's life.
pub(crate) struct Stretch {
    cpu: Duration,
    wall: Instant,
}

impl Stretch {
    pub(crate) fn begin() -> Self {
        Self { cpu: cpu(), wall: Instant::now() }
    }

    /// In milliseconds, and what memory the process has and had at most, in KiB.
    pub(crate) fn end(&self) -> Value {
        json!({
            "cpu_ms": (cpu() - self.cpu).as_secs_f64() * 1e3,
            "wall_ms": self.wall.elapsed().as_secs_f64() * 1e3,
            "rss_kib": memory("VmRSS:"),
            "anonymous_kib": memory("RssAnon:"),
            "peak_kib": memory("VmHWM:"),
        })
    }
}

fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(line))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Prints the figures at each line of standard input, until it ends.
#[allow(clippy::print_stdout)]
pub(crate) fn answer_probes() {
    let life = Stretch::begin();
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            return;
        }
        println!("{}", life.end());
    }
}
