//! A server that is measured: its process, its rooms, what the operating system says of it.

use super::cores;
use super::line::{Answer, Line};
use crate::server::{SECRET, listening};
use anyhow::{Context, Result, ensure};
use chat_engine::protocol::limits::MAX_ROOM_MEMBERS;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The kernel's clock tick in /proc, which has been this on every Linux for twenty years.
const TICK: Duration = Duration::from_millis(10);

/// Where the servers' programs are.
pub(crate) struct Programs {
    pub(crate) chat_server: PathBuf,
    /// The folder of `server.js` and its `node_modules`.
    pub(crate) socket_io: Option<PathBuf>,
}

/// A server process on a core of its own. Killed when dropped.
pub(crate) struct Subject {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Subject {
    /// chat-server on a fresh database.
    pub(crate) fn chat_server(program: &Path, flags: &[&str]) -> Result<Self> {
        Self::on(program, None, flags)
    }

    /// chat-server on this database, or a fresh file.
    pub(crate) fn on(program: &Path, database: Option<&str>, flags: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--jwt-secret",
            SECRET,
            "--log",
            "error",
            "--user-rate",
            "0",
        ]);
        command.args(flags);
        match database {
            Some(url) => command.args(["--database", url]),
            None => command.arg("--database").arg(folder.path().join("server.db")),
        };
        Self::start(command, folder)
    }

    /// Socket.IO under Node.
    pub(crate) fn socket_io(folder: &Path) -> Result<Self> {
        let mut command = Command::new("node");
        command.args(["--expose-gc", "server.js"]).current_dir(folder).env("NODE_ENV", "production");
        Self::start(command, tempfile::tempdir()?)
    }

    fn start(mut command: Command, folder: TempDir) -> Result<Self> {
        let started = cores::on_its_own(|| listening(&mut command));
        let (child, address) = started.with_context(|| format!("starting {:?}", command.get_program()))?;
        Ok(Self { child, address, _folder: folder })
    }

    /// CPU time of the process, user and system together, in the kernel's ticks.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The program's name may hold spaces; what follows its bracket begins with field 3.
        let fields = stat.rsplit_once(')').context("no /proc/PID/stat")?.1;
        let ticks: u32 =
            fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// CPU time of the threads that there are, to the nanosecond: for short stretches, in which none ends.
    pub(crate) fn fine_cpu(&self) -> Result<Duration> {
        let mut sum = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let Ok(stat) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            sum += stat.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(sum))
    }

    /// Memory in KiB.
    pub(crate) fn rss_kib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.split_whitespace().next().context("no VmRSS")?.parse()?)
    }

    /// Makes a room with these members.
    pub(crate) async fn room(&self, members: &[String]) -> Result<i64> {
        let (named, others) = members.split_at(members.len().min(MAX_ROOM_MEMBERS));
        let body = json!({ "title": "bench", "members": named }).to_string();
        let (mut line, host) = (Line::connect(self.address).await?, token("host")?);
        // Another room each time: so a key of its own.
        let key = format!("room-{}", fastrand::u64(..));
        let room = created(&line.ask(&post("/v1/rooms", &host, &key, &body)).await?)?;
        let room = room["id"].as_i64().context("the room has no id")?;
        for user in others {
            let request = format!(
                "PUT /v1/rooms/{room}/members/{user} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {host}\r\n\
                 content-length: 0\r\n\r\n"
            );
            let answer = line.ask(request.as_bytes()).await?;
            ensure!(answer.status == 204, "{user} was not let in: {}", answer.status);
        }
        Ok(room)
    }

    /// Makes Node give back what is garbage, so that memory can be compared.
    pub(crate) async fn collect_garbage(&self) -> Result<()> {
        let mut line = Line::connect(self.address).await?;
        for _ in 0..2 {
            line.ask(b"POST /gc HTTP/1.1\r\nhost: bench\r\ncontent-length: 0\r\n\r\n").await?;
        }
        Ok(())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a `201`.
pub(crate) fn created(answer: &Answer) -> Result<Value> {
    ensure!(answer.status == 201, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(serde_json::from_slice(&answer.body)?)
}

/// A user's token, good for a day.
pub(crate) fn token(user: &str) -> Result<String> {
    let claims = json!({ "sub": user, "exp": jsonwebtoken::get_current_timestamp() + 86_400 });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    Ok(jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key)?)
}

pub(crate) fn post(path: &str, token: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\nidempotency-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Waits until `done`, looking every few milliseconds; what it returns is whether that came to be.
pub(crate) async fn wait_until(deadline: Duration, mut done: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}
