//! The process, by the names that every Prometheus client has for it. Read when asked.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::process::Resource;
use std::fmt::Error;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(super) struct Process {
    started: f64,
}

impl Process {
    pub(super) fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: started.as_secs_f64() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        let bytes = Some(&Unit::Bytes);
        gauge("process_start_time", "When it began, since 1970", Some(&Unit::Seconds), self.started)?;
        // What the system does not tell is left out.
        if let Some(memory) = resident_kibibytes() {
            gauge("process_resident_memory", "Memory in use", bytes, memory * 1024.0)?;
        }
        if let Some(open) = open_files() {
            gauge("process_open_fds", "Open files and connections", None, open as f64)?;
        }
        if let Some(most) = most_files() {
            gauge("process_max_fds", "Most of them", None, most as f64)?;
        }
        let cpu = ConstCounter::new(cpu_seconds());
        let unit = Some(&Unit::Seconds);
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            "CPU time, user and system",
            unit,
            cpu.metric_type(),
        )?)
    }
}

fn resident_kibibytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn open_files() -> Option<usize> {
    // The listing itself is one of them.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// `None`: no limit.
pub(crate) fn most_files() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).current
}

/// All threads, those that have ended too.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
