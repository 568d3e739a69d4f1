//! The readers: a few threads, each with a connection of its own, sharing one bounded queue.
//!
//! Threads of their own rather than `spawn_blocking`: the connections' statements stay prepared, and
//! the number of reads under way is bounded by construction.

use crate::metrics::{self, Raised};
use crate::store::Options;
use crate::store::error::StoreError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Handle to the reader threads; they end when the last clone is gone.
#[derive(Clone)]
pub(super) struct Readers {
    jobs: SyncSender<Job>,
    /// A place for each question that counts.
    counting: Arc<Semaphore>,
    most_waiting: i64,
    metrics: metrics::Store,
}

impl Readers {
    /// Starts a thread per connection and pushes its handle onto `threads`.
    pub(super) fn start(
        connections: Vec<Connection>,
        options: &Options,
        threads: &mut Vec<JoinHandle<()>>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(options.reader_queue);
        let counting = Arc::new(Semaphore::new((connections.len() / 2).max(1)));
        let receiver = Arc::new(Mutex::new(receiver));
        for connection in connections {
            options.metrics.connections_idle.inc();
            let (jobs, metrics) = (Arc::clone(&receiver), options.metrics.clone());
            let thread = std::thread::Builder::new().name("store-reader".into());
            threads.push(thread.spawn(move || run(connection, &jobs, &metrics))?);
        }
        let most_waiting = i64::try_from(options.reader_queue).unwrap_or(i64::MAX);
        Ok(Self { jobs: sender, counting, most_waiting, metrics: options.metrics.clone() })
    }

    /// The same as [`Readers::read`] for a question that counts, which takes as long as there is to count. Of these no more
    /// are asked at once than half of the readers can answer, and the rest is there for everybody.
    pub(super) async fn count<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        if self.metrics.waiting_reads.get() >= self.most_waiting {
            return Err(too_many());
        }
        let waiting = Raised::new(&self.metrics.waiting_reads);
        let place = Arc::clone(&self.counting).acquire_owned().await;
        let place = place.map_err(|_| StoreError::Failed("the readers have ended".into()))?;
        drop(waiting);
        self.read(move |tx| {
            // Until it is answered, whether or not who asked is still there.
            let _place = place;
            question(tx)
        })
        .await
    }

    /// Runs `question` in one read transaction, on a snapshot of the last commit.
    pub(super) async fn read<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if answer.is_closed() {
                return; // whoever asked has gone
            }
            // A receiver that has gone in the meantime is nobody's loss.
            let _ = answer.send(in_snapshot(connection, question));
        });
        // Before it is taken, so that the count is never below nothing.
        self.metrics.waiting_reads.inc();
        self.jobs.try_send(job).map_err(|error| {
            self.metrics.waiting_reads.dec();
            match error {
                TrySendError::Full(_) => too_many(),
                TrySendError::Disconnected(_) => StoreError::Failed("the readers have ended".into()),
            }
        })?;
        answered.await.map_err(|_| StoreError::Failed("a reader dropped the question".into()))?
    }
}

fn too_many() -> StoreError {
    StoreError::Busy("too many reads are waiting".into())
}

fn in_snapshot<T>(
    connection: &mut Connection,
    question: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = connection.transaction()?;
    let answer = question(&tx)?;
    tx.commit()?;
    Ok(answer)
}

fn run(mut connection: Connection, jobs: &Mutex<Receiver<Job>>, metrics: &metrics::Store) {
    loop {
        // The lock is held while waiting: one thread waits in `recv`, the others for the lock.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        metrics.waiting_reads.dec();
        metrics.connections_idle.dec();
        metrics.connections_used.inc();
        // The panic was logged by the hook; the transaction was rolled back when it unwound.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
        metrics.connections_used.dec();
        metrics.connections_idle.inc();
    }
}

#[cfg(test)]
mod tests;
