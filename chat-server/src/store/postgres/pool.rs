//! Connections: some, kept, each question with a deadline, and what went wrong in the store's own words.
//!
//! A connection on which anything went wrong is thrown away, so nobody gets one with a transaction still
//! open. The next one is made when it is wanted: that is how the server comes back by itself after
//! PostgreSQL was away.

use crate::metrics::{self, Raised};
use crate::store::Options;
use crate::store::error::StoreError;
use crate::store::sql::Sql;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime,
};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// How long a question waits for a connection. When all are taken for so long, the database is not keeping
/// up, and more patience would only make more wait.
const WAIT: Duration = Duration::from_secs(5);

/// How long a connection may take to be made: time for four addresses that say nothing, and for one that does. With
/// [`WAIT`] before it still less than [`ANSWER`], so that what is wrong is told in its own words.
pub(super) const CONNECT: Duration = Duration::from_secs(9);

/// How long an answer may take, seen from here. Longer than the server's own limits below, which say what
/// it was; this one is for a server that says nothing any more.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// What every connection is told first, a command's too, whatever the database's own settings are. What was waited for must
/// be seen. And a commit is confirmed when it is on the disk, so a server that was set not to wait for that is asked to
/// (any other setting of `synchronous_commit` is the operator's choice among kinds of waiting).
pub(super) const PROMISES: &str = "
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// What a connection of the pool is told besides. No statement here takes a second, waits for a lock that long, or
/// leaves a transaction open: these are for the day when something is wrong. Such statements gain nothing by being
/// compiled or spread over workers, who would bring the rows of a page in any order. Each follows an index and
/// reads no more than it answers; a planner without statistics, as in a new database, would rather collect the
/// rest of a room and sort it, so it is not asked. Nor does it plan anew for each room, of which it may never have heard.
pub(super) const SESSION: &str = "
    SET statement_timeout = '10s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s';
    SET jit = off;
    SET max_parallel_workers_per_gather = 0;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan";

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The connections.
#[derive(Clone)]
pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    /// A place for each question that counts.
    counting: Arc<Semaphore>,
    most_waiting: i64,
    metrics: metrics::Store,
}

impl Pool {
    /// So many, made when they are wanted; so many may wait for one.
    pub(super) fn new(config: tokio_postgres::Config, tls: super::tls::Connector, options: &Options) -> Self {
        // Fast: whether the peer has hung up is known without asking it.
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls, manager_config);
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(options.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(WAIT))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    let settings = format!("{PROMISES};{SESSION}");
                    client.batch_execute(&settings).await.map_err(HookError::Backend)
                })
            }))
            .build();
        // It fails only where timeouts are asked for without a runtime.
        let connections = connections.unwrap_or_else(|_| unreachable!());
        let counting = Arc::new(Semaphore::new((options.connections / 2).max(1)));
        let most_waiting = i64::try_from(options.reader_queue).unwrap_or(i64::MAX);
        Self { connections, counting, most_waiting, metrics: options.metrics.clone() }
    }

    /// One connection, for a while.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        let waiting = self.wait()?;
        let connection = self.connections.get().await;
        drop(waiting);
        self.count();
        Ok(Session { connection: Some(connection?), pool: self.clone() })
    }

    /// One question, one answer: a snapshot of its own.
    pub(super) async fn rows(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, Failure> {
        // The way to a connection too: a server may take one and then say nothing.
        timeout(ANSWER, self.ask(sql, params)).await.map_err(|_| Failure::silent())?
    }

    /// The same for a question that counts, which takes as long as there is to count. Of these no more are asked at once
    /// than half of the connections can carry, and the rest is there for everybody.
    pub(super) async fn counted_rows(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, Failure> {
        let asked = async {
            let waiting = self.wait()?;
            // It is never closed.
            let _place = self.counting.acquire().await.map_err(|_| Failure::silent())?;
            drop(waiting);
            self.ask(sql, params).await
        };
        timeout(ANSWER, asked).await.map_err(|_| Failure::silent())?
    }

    async fn ask(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, Failure> {
        let mut session = self.session().await?;
        let statement = session.prepare(sql).await?;
        let rows = session.client()?.query(&statement, params).await?;
        session.keep();
        Ok(rows)
    }

    /// A place among those who wait, while it is held.
    fn wait(&self) -> Result<Raised, Failure> {
        match self.metrics.waiting_reads.get() >= self.most_waiting {
            true => Err(Failure::Passing("too much is waiting for a connection".into())),
            false => Ok(Raised::new(&self.metrics.waiting_reads)),
        }
    }

    fn count(&self) {
        let status = self.connections.status();
        let used = status.size.saturating_sub(status.available);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.connections_used.set(count(used));
        self.metrics.connections_idle.set(count(status.available));
    }
}

/// A connection taken from the pool. It goes back only when its holder says that all went well.
pub(super) struct Session {
    connection: Option<Object>,
    pool: Pool,
}

impl Session {
    pub(super) fn client(&self) -> Result<&Object, Failure> {
        self.connection.as_ref().ok_or_else(|| Failure::damaged("a session was used after its end".into()))
    }

    /// Known to the server after the first time.
    pub(super) async fn prepare(&self, sql: Sql) -> Result<Statement, Failure> {
        Ok(self.client()?.prepare_cached(sql.0).await?)
    }

    pub(super) fn keep(&mut self) {
        drop(self.connection.take());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
        self.pool.count();
    }
}

/// Why PostgreSQL gave no answer.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It may later: it is starting, stopping, full, or cannot be reached.
    Passing(String),
    /// The same question would fail again.
    Lasting(String),
}

impl Failure {
    /// What the database holds is not what we put there.
    pub(super) fn damaged(why: String) -> Self {
        Self::Lasting(why)
    }

    /// It has not answered in time.
    pub(super) fn silent() -> Self {
        Self::Passing("no answer in time".into())
    }
}

impl From<tokio_postgres::Error> for Failure {
    /// Keeps code and message alone: details quote values.
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(known) => {
                let why = format!("{} ({})", known.message(), known.code().code());
                if passes(known.code()) { Self::Passing(why) } else { Self::Lasting(why) }
            }
            // What the network broke the next connection mends; what does not fit its type stays so.
            None if error.is_closed() || reaches_io(&error) => Self::Passing(in_full(&error)),
            None => Self::Lasting(in_full(&error)),
        }
    }
}

impl From<PoolError> for Failure {
    /// No connection: whatever is in the way (a stopped server, a changed password), it is not the question.
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(_) => Self::Passing("no connection was free in time".into()),
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Self::Passing(match error.as_db_error() {
                    Some(known) => format!("{} ({})", known.message(), known.code().code()),
                    None => in_full(&error),
                })
            }
            other => Self::Passing(other.to_string()),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(why) => Self::Busy(why),
            Failure::Lasting(why) => Self::Failed(why),
        }
    }
}

/// Whether the server may do later what it refuses now: connections lost (08), a transaction to be tried
/// again (40), no memory, disk or connections left (53), a lock not had in time (55P03), a statement stopped
/// (57014), a server that stops or starts (57P), a transaction that we left lying for too long (25P03), a disk that
/// fails (58), or one that is another's replica at present (25006).
fn passes(code: &SqlState) -> bool {
    let code = code.code();
    ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
        || ["55P03", "25P03", "25006"].contains(&code)
}

fn reaches_io(error: &tokio_postgres::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// An error with its causes.
pub(super) fn in_full(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
        source = error.source();
    }
    words
}
