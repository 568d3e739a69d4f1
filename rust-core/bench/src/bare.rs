//! What each figure is held against: the same work with nothing around it.

use crate::data::{INSERT, TABLE, said};
use crate::gauge::{self, Stretch};
use crate::phone::Account;
use anyhow::{Result, ensure};
use clap::Args;
use rusqlite::{Connection, OpenFlags, params};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

/// Bulk insert by rusqlite alone.
#[derive(Args)]
pub(crate) struct RawInsert {
    /// The file to make
    #[arg(long)]
    file: PathBuf,
    /// How many messages
    #[arg(long)]
    messages: i64,
    /// How many to a transaction
    #[arg(long)]
    batch: usize,
}

impl RawInsert {
    /// The rows are in memory before the clock starts.
    pub(crate) fn run(&self) -> Result<Value> {
        let rows: Vec<_> = (1..=self.messages).map(|id| (id, said(id))).collect();
        let stretch = Stretch::begin();
        let mut connection = Connection::open(&self.file)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.execute_batch(TABLE)?;
        for batch in rows.chunks(self.batch) {
            let transaction = connection.transaction()?;
            {
                let mut insert = transaction.prepare(INSERT)?;
                for (id, said) in batch {
                    insert.execute(params![
                        1,
                        id,
                        id,
                        said.sender,
                        said.text,
                        said.sent_at,
                        None::<i64>,
                        false
                    ])?;
                }
            }
            transaction.commit()?;
        }
        connection.close().map_err(|(_, error)| error)?;
        Ok(stretch.end())
    }
}

/// Polls by a bare socket.
#[derive(Args)]
pub(crate) struct BarePoll {
    #[command(flatten)]
    account: Account,
}

impl BarePoll {
    /// One blocking keep-alive connection; the cursor is read from SQLite for each poll.
    pub(crate) fn run(&self) -> Result<Value> {
        let account = &self.account;
        let file = std::fs::read_dir(&account.data)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|e| e == "sqlite3"));
        let connection =
            Connection::open_with_flags(file.unwrap_or_default(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let host = account.server.trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        let (room, token, interval) = (account.room, account.token.clone(), account.interval);
        std::thread::spawn(move || {
            let mut poll = || -> Result<()> {
                let cursor: i64 = connection
                    .prepare_cached("SELECT cursor FROM room WHERE id = ?1")?
                    .query_row([room], |row| row.get(0))?;
                let request = format!(
                    "GET /v1/rooms/{room}/messages?after={cursor}&limit=500 HTTP/1.1\r\nhost: {host}\r\n\
                     authorization: Bearer {token}\r\naccept: application/json\r\n\r\n"
                );
                stream.write_all(request.as_bytes())?;
                let mut answer = [0; 2_048];
                let read = stream.read(&mut answer)?;
                ensure!(answer[..read].starts_with(b"HTTP/1.1 204"), "not answered by 204");
                Ok(())
            };
            while poll().is_ok() {
                std::thread::sleep(Duration::from_millis(interval));
            }
            std::process::abort(); // the one who asks for figures finds nobody
        });
        gauge::answer_probes();
        Ok(Value::Null)
    }
}
