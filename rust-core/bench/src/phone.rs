//! The engine, used as an app uses it.

use crate::ear::Ear;
use crate::gauge::{self, Stretch};
use anyhow::{Context, Result, ensure};
use chat_engine::protocol::{RoomId, UserId};
use chat_engine::{
    Account as EngineAccount, ConnectionState, Engine, EngineConfig, StaticToken, Token, TransportKind, Trust,
};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whose room, where.
#[derive(Args, Clone)]
pub(crate) struct Account {
    /// The server's origin
    #[arg(long)]
    pub(crate) server: String,
    /// Whose phone
    #[arg(long)]
    pub(crate) user: String,
    /// Their token
    #[arg(long, env = "CHAT_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// Which room
    #[arg(long)]
    pub(crate) room: i64,
    /// Where the cache is
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// A certificate to trust, in DER
    #[arg(long)]
    pub(crate) trust: Option<PathBuf>,
    /// Milliseconds between an answer and the next poll
    #[arg(long, default_value_t = 1_000)]
    pub(crate) interval: u64,
}

/// An engine catches up with a room.
#[derive(Args)]
pub(crate) struct CatchUp {
    #[command(flatten)]
    account: Account,
    /// The message that is the last
    #[arg(long)]
    until: i64,
}

impl CatchUp {
    /// From opening the engine to having closed it, everything stored and heard.
    pub(crate) fn run(&self) -> Result<Value> {
        let stretch = Stretch::begin();
        let ear = Ear::new();
        let engine = self.account.engine()?;
        let room = engine.room(self.account.room()?, ear.clone())?;
        room.start();
        ear.until(|heard| heard.whole_to >= self.until).context("catching up")?;
        let path = engine.cache_path().to_owned();
        drop(room);
        engine.close();
        let mut figures = stretch.end();
        let rows: i64 = rusqlite::Connection::open(path)?.query_row(
            "SELECT count(*) FROM message WHERE room = ?1",
            [self.account.room],
            |row| row.get(0),
        )?;
        ensure!(rows == self.until, "{rows} of {} messages are in the cache", self.until);
        figures["updates"] = ear.heard().updates.into();
        Ok(figures)
    }
}

impl Account {
    /// Until the listener has its first rows. Nothing is started: this is what a user waits for.
    pub(crate) fn open_room(&self) -> Result<Value> {
        let stretch = Stretch::begin();
        let ear = Ear::new();
        let engine = self.engine()?;
        let room = engine.room(self.room()?, ear.clone())?;
        ear.until(|heard| heard.updates > 0)?;
        let mut figures = stretch.end();
        figures["rows"] = ear.heard().rows.into();
        drop(room);
        Ok(figures)
    }

    /// Polls until standard input ends.
    pub(crate) fn idle(&self) -> Result<Value> {
        let ear = Ear::new();
        let engine = self.engine()?;
        let room = engine.room(self.room()?, ear.clone())?;
        room.start();
        ear.until(|heard| {
            heard.connection == Some(ConnectionState::Live { transport: TransportKind::Polling })
        })?;
        gauge::answer_probes();
        drop(room);
        Ok(Value::Null)
    }

    pub(crate) fn engine(&self) -> Result<Engine> {
        let account = EngineAccount::new(&self.server, UserId::new(self.user.as_str())?, true)?;
        let mut config = EngineConfig::new(account, &self.data);
        config.timings.poll_interval = Duration::from_millis(self.interval);
        config.retention = 10_000_000;
        config.timings.poll_ceiling = config.timings.poll_interval;
        config.trust = Trust::Roots(self.trust.iter().map(std::fs::read).collect::<Result<_, _>>()?);
        Ok(Engine::open(config, Arc::new(StaticToken(Token::new(self.token.as_str()))), None)?)
    }

    pub(crate) fn room(&self) -> Result<RoomId> {
        Ok(RoomId::new(self.room)?)
    }
}
