//! A core for the server, the others for everybody else, so that neither takes the other's time.

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::OnceLock;

/// What this process was given.
static GIVEN: OnceLock<CpuSet> = OnceLock::new();

/// Runs `start` on the first core, which whatever it starts inherits, and goes on with the others. With one core
/// there is nothing to divide.
pub(crate) fn on_its_own<T>(start: impl FnOnce() -> Result<T>) -> Result<T> {
    let given = match GIVEN.get() {
        Some(given) => given,
        None => {
            let now = sched_getaffinity(None)?;
            GIVEN.get_or_init(|| now)
        }
    };
    let first = (0..CpuSet::MAX_CPU).find(|core| given.is_set(*core)).unwrap_or(0);
    if given.count() < 2 {
        return start();
    }
    let mut alone = CpuSet::new();
    alone.set(first);
    let mut others = *given;
    others.unset(first);
    sched_setaffinity(None, &alone)?;
    let started = start();
    sched_setaffinity(None, &others)?;
    started
}
