//! The schema and its history: one entry per version, all that are missing in one transaction, so that
//! nothing is ever half done. Of several nodes that start at once one does it, and the others wait for it.

use super::pool::in_full;
use super::url::PostgresUrl;
use crate::store::error::OpenError;
use tokio_postgres::{Client, Error};

/// Entry `n` makes version `n + 1` out of version `n`. Never change an entry that was released.
const MIGRATIONS: &[&str] = &[include_str!("schema/0001_rooms_and_messages.sql")];

/// The version this server writes.
pub(crate) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// The version of the schema, `None` in a database without one.
const VERSION: &str = "SELECT version FROM chat_schema";
/// Not by `to_regclass`, which may still believe what it was asked before another node made the table.
const IS_OURS: &str = "
    SELECT EXISTS (SELECT 1 FROM pg_class
                    WHERE relname = 'chat_schema' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()))";

/// Tables and views in the schema, those that an extension brought along aside.
const IS_EMPTY: &str = "
    SELECT NOT EXISTS (
        SELECT 1 FROM pg_class c
         WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
           AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND NOT EXISTS (SELECT 1 FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))";

/// Held by whoever migrates: "chat" in ASCII. A database has one such lock for each number.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1667785076)";

/// Brings the database to [`NEWEST`].
pub(crate) async fn run(client: &mut Client, url: &PostgresUrl) -> Result<(), OpenError> {
    let failed = |error: Error| OpenError::Postgres { url: url.to_string(), why: in_full(&error) };
    let encoding = client.query_one("SHOW server_encoding", &[]).await.map_err(failed)?;
    let encoding: String = encoding.try_get(0).map_err(failed)?;
    if encoding != "UTF8" {
        let why = format!("its encoding is {encoding}, and it must be UTF8");
        return Err(OpenError::Postgres { url: url.to_string(), why });
    }
    if version(client).await.map_err(failed)? == Some(NEWEST) {
        return Ok(());
    }
    let tx = client.transaction().await.map_err(failed)?;
    // However long the others take.
    tx.batch_execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await.map_err(failed)?;
    tx.batch_execute(LOCK).await.map_err(failed)?;
    let found = match version(&tx).await.map_err(failed)? {
        Some(found) => found,
        None if tx.query_one(IS_EMPTY, &[]).await.map_err(failed)?.get(0) => {
            tx.batch_execute(
                "CREATE TABLE chat_schema (version bigint NOT NULL); INSERT INTO chat_schema VALUES (0)",
            )
            .await
            .map_err(failed)?;
            0
        }
        None => return Err(OpenError::Foreign),
    };
    if found > NEWEST {
        return Err(OpenError::TooNew { found, known: NEWEST });
    }
    if found > 0 && found < NEWEST {
        tracing::info!(from = found, to = NEWEST, "bringing the database up to date");
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        tx.batch_execute(migration).await.map_err(failed)?;
    }
    tx.execute("UPDATE chat_schema SET version = $1", &[&NEWEST]).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

/// Which version is there, `None` where there is no schema of ours.
pub(crate) async fn version(client: &impl tokio_postgres::GenericClient) -> Result<Option<i64>, Error> {
    let ours: bool = client.query_one(IS_OURS, &[]).await?.try_get(0)?;
    if !ours {
        return Ok(None);
    }
    client.query_one(VERSION, &[]).await?.try_get(0).map(Some)
}
