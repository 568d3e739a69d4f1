//! Keys that change: read at the start, every few minutes, and when a token comes whose key nobody knows.
//!
//! One task reads, and everybody else waits for it: however many ask, there is one reading at a time, and
//! [`PAUSE`] between two. What was read last stays good while nothing better can be had.

use super::jwk::KeySet;
use super::source::{Reader, Source};
use crate::metrics::Access;
use arc_swap::ArcSwap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Between two readings. Whoever sends tokens of keys that do not exist has an issuer asked this often at most;
/// whose key is new waits so long.
const PAUSE: Duration = Duration::from_secs(2);

/// Until the next try when keys cannot be had, unless one is due before.
const RETRY: Duration = Duration::from_secs(30);

/// How long the start waits for the first keys: an issuer that starts beside us is there by then.
const START: Duration = Duration::from_secs(15);

/// How long a request waits for keys: a pause, and a reading that takes its time.
const PATIENCE: Duration = Duration::from_secs(8);

/// Requests that wait for keys at once. After a rotation they are those of a few seconds' new tokens.
const MOST_WAITING: usize = 1_000;

/// Keys from a source.
pub struct Jwks {
    keys: ArcSwap<KeySet>,
    asked: Notify,
    last: watch::Sender<Reading>,
    waiting: Semaphore,
    metrics: Access,
}

#[derive(Clone, Copy)]
struct Reading {
    began: Instant,
    failed: bool,
}

/// The keys could not be read.
#[derive(Debug)]
pub(super) struct NoKeys;

impl Jwks {
    /// Reads `source` and goes on reading it, about every `refresh`, trusting `authority` (a file in PEM) beside
    /// those that browsers trust.
    ///
    /// # Errors
    /// Says why there are no keys.
    pub async fn open(
        source: Source,
        authority: Option<&Path>,
        refresh: Duration,
        metrics: Access,
    ) -> Result<Arc<Self>, String> {
        let authority = match authority {
            None => vec![],
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?,
        };
        let reader = Reader::new(source, &authority)?;
        let tried = Instant::now();
        let keys = loop {
            match read(&reader).await {
                Ok(keys) => break keys,
                // A file that is not there will not come.
                Err(why) if tried.elapsed() < START && reader.is_remote() => {
                    tracing::warn!(source = %reader.source, why, "no keys yet");
                    sleep(PAUSE).await;
                }
                Err(why) => return Err(format!("cannot get keys from {}: {why}", reader.source)),
            }
        };
        tracing::info!(source = %reader.source, keys = keys.len(), "keys read");
        metrics.keys.set(keys.len() as i64);
        let jwks = Arc::new(Self {
            keys: ArcSwap::from_pointee(keys),
            asked: Notify::new(),
            last: watch::Sender::new(Reading { began: Instant::now(), failed: false }),
            waiting: Semaphore::new(MOST_WAITING),
            metrics,
        });
        tokio::spawn(Arc::clone(&jwks).keep(reader, refresh));
        Ok(jwks)
    }

    /// Those at hand.
    pub(super) fn keys(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// Asks for a reading, and does not wait for it.
    pub fn refresh(&self) {
        self.asked.notify_one();
    }

    /// Waits for keys that were read after now.
    pub(super) async fn read_anew(&self) -> Result<(), NoKeys> {
        let Ok(_place) = self.waiting.try_acquire() else { return Err(NoKeys) };
        let (now, mut last) = (Instant::now(), self.last.subscribe());
        self.refresh();
        match timeout(PATIENCE, last.wait_for(|reading| reading.began >= now)).await {
            Ok(Ok(reading)) if !reading.failed => Ok(()),
            _ => Err(NoKeys),
        }
    }

    async fn keep(self: Arc<Self>, reader: Reader, refresh: Duration) {
        loop {
            let last = *self.last.borrow();
            // Not all nodes at the same moment.
            let spread = refresh.mul_f64(fastrand::f64() / 10.0);
            let due = last.began + if last.failed { refresh.min(RETRY) } else { refresh - spread };
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.asked.notified() => sleep_until(last.began + PAUSE).await,
            }
            let began = Instant::now();
            let failed = match read(&reader).await {
                Ok(keys) => {
                    self.take(keys);
                    false
                }
                Err(why) => {
                    self.metrics.key_failures.inc();
                    tracing::warn!(source = %reader.source, why, "cannot read the keys: those at hand stay");
                    true
                }
            };
            self.last.send_replace(Reading { began, failed });
        }
    }

    fn take(&self, keys: KeySet) {
        if !self.keys.load().same(&keys) {
            tracing::info!(keys = keys.len(), "the keys have changed");
            self.metrics.keys.set(keys.len() as i64);
            self.keys.store(Arc::new(keys));
        }
    }
}

async fn read(reader: &Reader) -> Result<KeySet, String> {
    KeySet::parse(&reader.read().await?).map_err(str::to_owned)
}
