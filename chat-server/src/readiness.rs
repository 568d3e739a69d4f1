//! Whether this node should be given work: `/readyz`.
//!
//! Ready is who can serve a request: the database answers and no signal to stop has come. Not who lives: a node whose
//! database is away is well itself, and a restart would help nobody (`/healthz` says that). Nor does Redis count:
//! without it messages come late, and they come.
//!
//! However often it is asked, the database hears of it once in a second.

use crate::store::Store;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

/// How long an answer of the database's holds. Balancers ask every few seconds.
const FRESH: Duration = Duration::from_secs(1);

/// A database that takes longer is of no use to anybody who waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of this node.
#[derive(Debug, Default)]
pub struct Readiness {
    draining: AtomicBool,
    /// The one who holds it asks; the others wait for what it learns.
    last: Mutex<Option<(Instant, Database)>>,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ready {
    /// Whether to send requests here.
    pub ready: bool,
    /// Whether the database answers.
    pub database: Database,
    /// Whether the server is about to stop.
    pub draining: bool,
}

/// How the database does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Database {
    /// It answers.
    Ok,
    /// It does not, in two seconds.
    Unavailable,
}

impl Readiness {
    /// No longer ready, for good.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the signal to stop has come.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How things stand.
    pub async fn check(&self, store: &Store) -> Ready {
        let database = self.database(store).await;
        let draining = self.draining();
        Ready { ready: database == Database::Ok && !draining, database, draining }
    }

    async fn database(&self, store: &Store) -> Database {
        let mut last = self.last.lock().await;
        if let Some((asked, known)) = *last
            && asked.elapsed() < FRESH
        {
            return known;
        }
        let known = match timeout(PATIENCE, store.ping()).await {
            Ok(Ok(())) => Database::Ok,
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready: the database fails");
                Database::Unavailable
            }
            Err(_) => {
                tracing::warn!("not ready: the database does not answer");
                Database::Unavailable
            }
        };
        *last = Some((Instant::now(), known));
        known
    }
}
