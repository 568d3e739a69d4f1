//! The writer: one thread, one connection, group commit.
//!
//! ```text
//! job ─┐                 ┌ savepoint: job 1 ┐
//! job ─┼─ bounded queue ─┤ savepoint: job 2 ├─ COMMIT (one sync) ─ answer 1, 2, 3 …
//! job ─┘                 └ savepoint: job 3 ┘
//! ```
//! While one commit waits for the disk the next batch gathers, so the batch grows with the load and
//! a lone write is never held back for company. A job that fails undoes its own savepoint and nothing
//! else. If the commit fails, every job of the batch fails: nobody is told of what was not kept.
//!
//! What a batch has changed is announced right after its commit and before its answers: announcements
//! come in the order of commits, and a caller that has gone takes none with it.

use crate::metrics;
use crate::store::Options;
use crate::store::error::StoreError;
use crate::store::notices::{self, Announce, Changed};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// Most jobs in one transaction. Bounds how long the first waits for the last; far beyond it the
/// sync no longer weighs anything.
const MAX_BATCH: usize = 256;

/// Tells whoever waits, once the fate of the whole transaction is known.
type Reply = Box<dyn FnOnce(Result<(), StoreError>)>;
/// Runs in the transaction, or learns why there is none. Leaves what there is to announce.
type Job = Box<dyn FnOnce(Result<&mut Transaction<'_>, StoreError>) -> (Option<Changed>, Reply) + Send>;

/// Handle to the writer thread; it ends when the last clone is gone.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
    alive: Arc<AtomicBool>,
    metrics: metrics::Store,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        options: &Options,
        announce: Announce,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, receiver) = sync_channel(options.writer_queue);
        let alive = Arc::new(AtomicBool::new(true));
        let flag = Alive(Arc::clone(&alive));
        let counted = options.metrics.clone();
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
            let _flag = flag;
            run(connection, &receiver, &announce, &counted);
        })?;
        Ok((Self { jobs, alive, metrics: options.metrics.clone() }, thread))
    }

    /// Runs `change` in a transaction and returns once that is on the disk. Dropping the future does
    /// not stop the change.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(change, None, |_| false).await
    }

    /// The same, and announces `notice` unless `change` changed nothing.
    pub(super) async fn write_and_announce<T, F>(&self, notice: Changed, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(change, Some(notice), |_| false).await
    }

    /// The same, and announces it although nothing was changed when the outcome is one that `again` tells.
    pub(super) async fn write_and_tell_again<T, F>(
        &self,
        notice: Changed,
        again: fn(&T) -> bool,
        change: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(change, Some(notice), again).await
    }

    async fn submit<T, F>(
        &self,
        change: F,
        notice: Option<Changed>,
        again: fn(&T) -> bool,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let outcome = tx.and_then(|tx| {
                let rows = tx.total_changes();
                let outcome = in_savepoint(tx, change)?;
                let notice = notice.filter(|_| tx.total_changes() != rows || again(&outcome));
                Ok((outcome, notice))
            });
            let (outcome, notice) = match outcome {
                Ok((outcome, notice)) => (Ok(outcome), notice),
                Err(error) => (Err(error), None),
            };
            let reply = Box::new(move |committed: Result<(), StoreError>| {
                // A receiver that has gone is nobody's loss: its retry will find the change.
                let _ = answer.send(committed.and(outcome));
            });
            (notice, reply)
        });
        // Before it is taken, so that the count is never below nothing.
        self.metrics.waiting_writes.inc();
        self.jobs.try_send(job).map_err(|error| {
            self.metrics.waiting_writes.dec();
            match error {
                TrySendError::Full(_) => StoreError::Busy("too many writes are waiting".into()),
                TrySendError::Disconnected(_) => StoreError::Failed("the writer has ended".into()),
            }
        })?;
        answered.await.map_err(|_| StoreError::Failed("the writer dropped the change".into()))?
    }

    /// Whether the thread is still there.
    pub(super) fn check_alive(&self) -> Result<(), StoreError> {
        match self.alive.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(StoreError::Failed("the writer has ended".into())),
        }
    }
}

/// Lowered when the thread ends, however it ends.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn in_savepoint<T>(
    tx: &mut Transaction<'_>,
    change: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let savepoint = tx.savepoint()?; // rolls back when dropped, on panic too
    let outcome = change(&savepoint)?;
    savepoint.commit()?;
    Ok(outcome)
}

fn run(mut connection: Connection, jobs: &Receiver<Job>, announce: &Announce, metrics: &metrics::Store) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        batch.extend(std::iter::from_fn(|| jobs.try_recv().ok()).take(MAX_BATCH - 1));
        let (mut replies, mut changed) = (Vec::with_capacity(batch.len()), Vec::new());
        metrics.waiting_writes.dec_by(i64::try_from(batch.len()).unwrap_or_default());
        let (begun, size) = (Instant::now(), batch.len());
        let committed = commit(&mut connection, batch, &mut replies, &mut changed);
        if committed.is_ok() {
            metrics.commit_writes.observe(size as f64);
            metrics.commit_duration.observe(begun.elapsed().as_secs_f64());
        }
        if committed.is_ok() && !changed.is_empty() {
            // The panic was logged by the hook; whoever did not hear of the change finds it later.
            let _ = catch_unwind(AssertUnwindSafe(|| announce(&changed)));
        }
        for reply in replies {
            reply(committed.clone());
        }
    }
}

/// Runs the jobs in one transaction and leaves their replies, to be given with this result, and what
/// they have changed.
fn commit(
    connection: &mut Connection,
    batch: Vec<Job>,
    replies: &mut Vec<Reply>,
    changed: &mut Vec<Changed>,
) -> Result<(), StoreError> {
    let mut tx = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(tx) => tx,
        Err(error) => {
            let error = StoreError::from(error);
            replies.extend(batch.into_iter().map(|job| job(Err(error.clone())).1));
            return Err(error);
        }
    };
    for job in batch {
        // SQLite undoes the whole transaction by itself on some errors, a full disk among them; what
        // ran after that would stand alone.
        let tx = match tx.is_autocommit() {
            false => Ok(&mut tx),
            true => Err(StoreError::Failed("the transaction was rolled back".into())),
        };
        // A panic undoes its own savepoint and is answered as a dropped job.
        if let Ok((notice, reply)) = catch_unwind(AssertUnwindSafe(|| job(tx))) {
            replies.push(reply);
            if let Some(notice) = notice {
                notices::add(changed, notice);
            }
        }
    }
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests;
