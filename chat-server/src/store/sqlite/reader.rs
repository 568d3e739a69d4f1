//! The readers: a few threads, each with a connection of its own, sharing one bounded queue.
//!
//! Threads of their own rather than `spawn_blocking`: the connections' statements stay prepared, and
//! the number of reads under way is bounded by construction.

use crate::store::error::StoreError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Handle to the reader threads; they end when the last clone is gone.
#[derive(Clone)]
pub(super) struct Readers(SyncSender<Job>);

impl Readers {
    /// Starts a thread per connection and pushes its handle onto `threads`.
    pub(super) fn start(
        connections: Vec<Connection>,
        queue: usize,
        threads: &mut Vec<JoinHandle<()>>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for connection in connections {
            let jobs = Arc::clone(&receiver);
            let thread = std::thread::Builder::new().name("store-reader".into());
            threads.push(thread.spawn(move || run(connection, &jobs))?);
        }
        Ok(Self(sender))
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
        self.0.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy("too many reads are waiting".into()),
            TrySendError::Disconnected(_) => StoreError::Failed("the readers have ended".into()),
        })?;
        answered.await.map_err(|_| StoreError::Failed("a reader dropped the question".into()))?
    }
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

fn run(mut connection: Connection, jobs: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting: one thread waits in `recv`, the others for the lock.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // The panic was logged by the hook; the transaction was rolled back when it unwound.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
    }
}
