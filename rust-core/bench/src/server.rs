//! The server: a real process, its room made over the wire and filled behind its back.

use crate::data::{ME, said};
use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, params};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What every server of a run signs with.
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";

/// A `chat-server` process. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    program: PathBuf,
    database: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

impl Server {
    /// On a free port and a fresh database in `folder`.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self> {
        let output = Command::new(program)
            .args(["token", "--user", ME, "--ttl", "1d", "--jwt-secret", SECRET])
            .output()
            .with_context(|| format!("starting {}", program.display()))?;
        let token = String::from_utf8(output.stdout)?.trim().to_owned();
        let database = folder.join("server.db");
        let (child, address) = launch(program, &database, "127.0.0.1:0")?;
        Ok(Self { child, program: program.to_owned(), database, address, token })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a room of one message.
    pub(crate) fn room(&self) -> Result<i64> {
        let room = self.post("/v1/rooms", r#"{"title":"bench","members":[]}"#)?;
        let id = room["id"].as_i64().context("the room has no id")?;
        self.post(&format!("/v1/rooms/{id}/messages"), r#"{"text":"first"}"#)?;
        Ok(id)
    }

    fn post(&self, path: &str, body: &str) -> Result<serde_json::Value> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            fastrand::u64(..),
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 201"), "POST {path}: {answer}");
        let body = answer.split_once("\r\n\r\n").context("an answer without a body")?.1;
        Ok(serde_json::from_str(body)?)
    }

    /// Ends the process, lets the room grow to `messages`, and starts a new one on the same port. The rows take what
    /// the columns do not say of themselves from the room's first message, so a new column changes nothing here.
    pub(crate) fn grow(&mut self, room: i64, messages: i64) -> Result<()> {
        self.stop();
        let mut connection = Connection::open(&self.database)?;
        connection.pragma_update(None, "synchronous", "off")?;
        let given = ["id", "seq", "sender", "text", "sent_at", "transaction_id"];
        let columns: Vec<String> = connection
            .prepare("SELECT name FROM pragma_table_info('messages')")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| match given.iter().position(|name| name == column) {
                Some(at) => format!("?{}", at + 2),
                None => column.clone(),
            })
            .collect();
        let sql = format!(
            "INSERT INTO messages ({}) SELECT {} FROM messages WHERE room = ?1 AND id = 1",
            columns.join(", "),
            values.join(", ")
        );
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare(&sql)?;
            for id in 2..=messages {
                let said = said(id);
                insert.execute(params![
                    room,
                    id,
                    id,
                    said.sender,
                    said.text,
                    said.sent_at,
                    format!("key-{id}")
                ])?;
            }
        }
        let changed = transaction
            .execute("UPDATE rooms SET last_id = ?2, last_seq = ?2 WHERE id = ?1", [room, messages])?;
        ensure!(changed == 1, "there is no room {room}");
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        self.child = launch(&self.program, &self.database, &self.address.to_string())?.0;
        Ok(())
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(program: &Path, database: &Path, listen: &str) -> Result<(Child, SocketAddr)> {
    let mut command = Command::new(program);
    // One user here asks for more than a thousand would.
    command.args(["--listen", listen, "--jwt-secret", SECRET, "--log", "error", "--user-rate", "0"]);
    command.arg("--database").arg(database);
    listening(&mut command)
}

/// Starts a server and reads from it where it listens.
pub(crate) fn listening(command: &mut Command) -> Result<(Child, SocketAddr)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    match line.trim().strip_prefix("listening on http://") {
        Some(address) => Ok((child, address.parse()?)),
        None => bail!("the server did not start: {line:?}"),
    }
}
