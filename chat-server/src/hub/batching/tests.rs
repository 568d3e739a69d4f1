//! The timetable: what arrives when, and when it leaves.

use super::{Batching, Departures};
use std::time::Duration;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

/// Lets a change arrive every `every` for `seconds`, and returns how long each of the last second's waited.
fn waits(batching: Batching, listeners: usize, every: Duration, seconds: u32) -> Vec<Duration> {
    let start = Instant::now();
    let mut departures = Departures::new(batching, start);
    let (mut waiting, mut waited) = (Vec::new(), Vec::new());
    let mut now = start;
    while now < start + Duration::from_secs(seconds.into()) {
        departures.arrived(now, 1, false, listeners);
        waiting.push(now);
        now += every;
        while let Some(due) = departures.due().filter(|due| *due < now) {
            waited.extend(waiting.drain(..).map(|arrived| (arrived, due - arrived)));
            departures.left();
        }
    }
    let last_second = waited.iter().filter(|(arrived, _)| *arrived + Duration::from_secs(1) > now);
    last_second.map(|(_, wait)| *wait).collect()
}

fn mean(waits: &[Duration]) -> Duration {
    waits.iter().sum::<Duration>() / u32::try_from(waits.len()).unwrap()
}

#[test]
fn where_little_is_delivered_nothing_waits() {
    for (listeners, every) in [(1, 1), (2, 1), (1_000, 50), (1_000, 25), (100, 5), (10_000, 1_000)] {
        let waits = waits(Batching::default(), listeners, every * MS, 5);
        assert!(waits.iter().all(Duration::is_zero), "{listeners} listeners, every {every} ms: {waits:?}");
    }
}

#[test]
fn in_a_crowded_and_busy_room_changes_leave_together_and_none_waits_longer_than_the_window() {
    for (listeners, every) in [(1_000, 10), (10_000, 20), (1_000, 1)] {
        let waits = waits(Batching::default(), listeners, every * MS, 5);
        let (longest, mean) = (waits.iter().max().copied().unwrap(), mean(&waits));
        assert!(longest <= 50 * MS, "{longest:?}");
        assert!(mean > 15 * MS && mean < 35 * MS, "{listeners} listeners, every {every} ms: {mean:?}");
    }
}

#[test]
fn a_full_batch_does_not_wait_for_the_window() {
    let batching = Batching { count: 8, ..Batching::default() };
    let waits = waits(batching, 1_000, MS, 5);
    assert!(waits.iter().all(|wait| *wait <= 7 * MS), "{waits:?}");
    assert!(mean(&waits) > 2 * MS);
}

#[test]
fn without_a_window_nothing_waits() {
    let waits = waits(Batching { window: Duration::ZERO, ..Batching::default() }, 10_000, MS, 3);
    assert!(waits.iter().all(Duration::is_zero), "{waits:?}");
}

/// A room in which changes wait.
fn busy(start: Instant) -> Departures {
    let mut departures = Departures::new(Batching::default(), start);
    for ms in 0..500 {
        departures.arrived(start + ms * MS, 1, false, 1_000);
        departures.left();
    }
    departures
}

#[test]
fn what_is_urgent_leaves_at_once_and_takes_along_what_waits() {
    let start = Instant::now();
    let mut departures = busy(start);
    let (first, then) = (start + 501 * MS, start + 505 * MS);
    departures.arrived(first, 1, false, 1_000);
    assert_eq!(departures.due(), Some(first + 50 * MS));
    departures.arrived(then, 1, true, 1_000);
    assert_eq!(departures.due(), Some(then));
}

#[test]
fn the_first_after_a_silence_leaves_at_once_however_busy_it_was_before() {
    let start = Instant::now();
    let mut departures = busy(start);
    let later = start + 2_500 * MS;
    departures.arrived(later, 1, false, 10_000);
    assert_eq!(departures.due(), Some(later));
}

#[test]
fn a_room_that_empties_is_not_crowded_any_more() {
    let start = Instant::now();
    let mut departures = busy(start);
    let now = start + 501 * MS;
    departures.arrived(now, 1, false, 10);
    assert_eq!(departures.due(), Some(now));
}
