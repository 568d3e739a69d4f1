//! Changes on their way to PostgreSQL: a lane per room.
//!
//! ```text
//! change ─┐
//! change ─┼─ lane of room 1 ─ [batch] ─ one transaction ─ announce ─ answers
//! change ─┘
//! change ─── lane of room 2 ─ [batch] ─ one transaction ─ …            side by side
//! ```
//! A room's changes are made one transaction after the other, as its lock would have them wait anyway;
//! whatever came while one was under way goes into the next together. So a busy room pays one commit for
//! many messages, a lone one is held back for nobody, and no room waits for another. A lane is there while
//! it has something to do.
//!
//! What a transaction has changed is announced after it and before its answers, so that of one room the
//! announcements come in the order of its commits.

use super::batch::{self, Done};
use super::decide::{Change, Outcome};
use super::pool::{ANSWER, Failure, Pool};
use crate::metrics;
use crate::store::Options;
use crate::store::error::StoreError;
use crate::store::notices::{Announce, Changed};
use chat_protocol::RoomId;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Most changes in one transaction. Bounds how long the first waits for the last; far beyond it the sync no
/// longer weighs anything.
const MAX_BATCH: usize = 256;

struct Job {
    change: Change,
    queued: Instant,
    answer: oneshot::Sender<Outcome>,
}

/// The lanes. They end with the last handle and what is under way.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Inner>);

struct Inner {
    pool: Pool,
    announce: Announce,
    most_waiting: usize,
    metrics: metrics::Store,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    lanes: HashMap<RoomId, VecDeque<Job>>,
    jobs: usize,
}

impl Waiting {
    fn take(&mut self, room: RoomId, most: usize, metrics: &metrics::Store) -> Vec<Job> {
        let lane = self.lanes.get_mut(&room);
        let batch: Vec<Job> =
            lane.map(|lane| lane.drain(..lane.len().min(most)).collect()).unwrap_or_default();
        self.jobs -= batch.len();
        metrics.waiting_writes.dec_by(i64::try_from(batch.len()).unwrap_or_default());
        batch
    }
}

impl Lanes {
    pub(super) fn new(pool: Pool, options: &Options, announce: Announce) -> Self {
        let (most_waiting, metrics) = (options.writer_queue, options.metrics.clone());
        Self(Arc::new(Inner { pool, announce, most_waiting, metrics, waiting: Mutex::default() }))
    }

    /// Makes a change and returns once it is on the disk. Dropping the future does not stop the change. Whatever is in its
    /// way, it waits no longer than for one answer: what it is told then is that nobody knows.
    pub(super) async fn submit(&self, room: RoomId, change: Change) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.queue(room, Job { change, queued: Instant::now(), answer })?;
        let answered = timeout(ANSWER, answered).await.map_err(|_| Failure::silent())?;
        // A lane that panicked takes its answers along.
        answered.map_err(|_| StoreError::Failed("the writer dropped the change".into()))?
    }

    fn queue(&self, room: RoomId, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.0.lock();
        if waiting.jobs >= self.0.most_waiting {
            return Err(StoreError::Busy("too many writes are waiting".into()));
        }
        waiting.jobs += 1;
        self.0.metrics.waiting_writes.inc();
        match waiting.lanes.entry(room) {
            Entry::Occupied(lane) => lane.into_mut().push_back(job),
            Entry::Vacant(place) => {
                place.insert(VecDeque::from([job]));
                let lane = Lane { inner: Arc::clone(&self.0), room, over: false };
                tokio::spawn(lane.run());
            }
        }
        Ok(())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits for `room`, at most so many.
    fn take(&self, room: RoomId, most: usize) -> Vec<Job> {
        self.lock().take(room, most, &self.metrics)
    }
}

/// Works off one room. However it ends, the room has no lane then, and the next change makes a new one.
struct Lane {
    inner: Arc<Inner>,
    room: RoomId,
    /// It has ended in order; the room may have another by now.
    over: bool,
}

impl Lane {
    async fn run(mut self) {
        while let Some(batch) = self.next() {
            // Who has waited for too long was told so, and may have asked again.
            let in_time = batch.into_iter().filter(|job| job.queued.elapsed() < ANSWER);
            let (changes, answers): (Vec<_>, Vec<_>) = in_time.map(|job| (job.change, job.answer)).unzip();
            if changes.is_empty() {
                continue;
            }
            let begun = Instant::now();
            let done = batch::run(&self.inner.pool, self.room, &changes).await;
            self.announce(done.notice);
            if done.outcomes.is_ok() {
                self.inner.metrics.commit_writes.observe(changes.len() as f64);
                self.inner.metrics.commit_duration.observe(begun.elapsed().as_secs_f64());
            }
            match done.outcomes {
                Ok(outcomes) => tell(answers, outcomes),
                // One of them may be at fault for all.
                Err(Failure::Lasting(_)) if changes.len() > 1 => self.one_by_one(changes, answers).await,
                Err(failure) => {
                    let passes = matches!(failure, Failure::Passing(_));
                    let why = StoreError::from(failure);
                    let outcomes = answers.iter().map(|_| Err(why.clone())).collect();
                    tell(answers, outcomes);
                    if passes {
                        self.turn_away(&why);
                    }
                }
            }
        }
    }

    /// What waits for the next transaction; nothing is the end of the lane, in one step with the look.
    fn next(&mut self) -> Option<Vec<Job>> {
        let mut waiting = self.inner.lock();
        let batch = waiting.take(self.room, MAX_BATCH, &self.inner.metrics);
        if batch.is_empty() {
            waiting.lanes.remove(&self.room);
            self.over = true;
            return None;
        }
        Some(batch)
    }

    async fn one_by_one(&self, changes: Vec<Change>, answers: Vec<oneshot::Sender<Outcome>>) {
        let mut away = None;
        for (change, answer) in changes.into_iter().zip(answers) {
            // Once it has gone, the rest need not find out for themselves.
            let outcome = match &away {
                Some(why) => Err(StoreError::clone(why)),
                None => {
                    let Done { outcomes, notice } =
                        batch::run(&self.inner.pool, self.room, std::slice::from_ref(&change)).await;
                    self.announce(notice);
                    match outcomes {
                        Ok(outcomes) => outcomes.into_iter().next().unwrap_or(Ok(None)),
                        Err(failure) => Err(failure.into()),
                    }
                }
            };
            if let Err(why @ StoreError::Busy(_)) = &outcome {
                away = Some(why.clone());
            }
            tell(vec![answer], vec![outcome]);
        }
    }

    /// Nobody queues for a database that is away: whoever waits would find the same.
    fn turn_away(&self, why: &StoreError) {
        let batch = self.inner.take(self.room, usize::MAX);
        let outcomes = batch.iter().map(|_| Err(why.clone())).collect();
        tell(batch.into_iter().map(|job| job.answer).collect(), outcomes);
    }

    fn announce(&self, notice: Option<Changed>) {
        if let Some(notice) = notice {
            // The panic was logged by the hook; whoever did not hear of the change finds it later.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.inner.announce)(&[notice])));
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !self.over {
            drop(self.inner.take(self.room, usize::MAX));
            self.inner.lock().lanes.remove(&self.room);
        }
    }
}

/// A receiver that has gone is nobody's loss: its retry will find the change.
fn tell(answers: Vec<oneshot::Sender<Outcome>>, outcomes: Vec<Outcome>) {
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        let _ = answer.send(outcome);
    }
}
