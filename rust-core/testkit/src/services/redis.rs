//! A Redis.

use super::{free_port, spawn};
use crate::wait;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// What it asks of whoever connects. Its own word, so that a test can look for it where it must not be.
const PASSWORD: &str = "open-sesame-of-redis";

/// A `redis-server` process. Killed when dropped.
pub struct Redis {
    child: Child,
    port: u16,
    tls_port: Option<u16>,
    folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one, empty, on a free port.
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// The same, which speaks TLS on another port as well: [`Redis::tls_url`].
    pub fn start_with_tls() -> Self {
        Self::launch(Some(free_port()))
    }

    fn launch(tls_port: Option<u16>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if tls_port.is_some() {
            let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
            std::fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        }
        let port = free_port();
        let child = Self::process(&folder, port, tls_port);
        let redis = Self { child, port, tls_port, folder };
        redis.wait_until_it_answers();
        redis
    }

    fn process(folder: &tempfile::TempDir, port: u16, tls_port: Option<u16>) -> Child {
        let mut command = Command::new("redis-server");
        // It keeps nothing, so whatever a test still finds after a restart does not come from here.
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.args(["--requirepass", PASSWORD, "--loglevel", "warning"]);
        command.arg("--dir").arg(folder.path());
        if let Some(port) = tls_port {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(folder.path().join("cert.pem"));
            command.arg("--tls-key-file").arg(folder.path().join("key.pem"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        spawn(&mut command, "redis-server")
    }

    fn wait_until_it_answers(&self) {
        wait("redis answers", || self.try_command(&["PING"]).is_some_and(|answer| answer == "+PONG"));
    }

    /// Where it is, with the password.
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The same by another way, such as a proxy: `http://host:port` or `host:port`.
    pub fn url_by(&self, place: &str) -> String {
        format!("redis://:{PASSWORD}@{}", place.trim_start_matches("http://"))
    }

    /// Where it speaks TLS, with the password.
    ///
    /// # Panics
    /// Unless it was started with TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://:{PASSWORD}@localhost:{}", self.tls_port.unwrap())
    }

    /// Who vouches for its certificate: a PEM file.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// What must not be seen anywhere.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A new process on the same port, after [`Redis::kill`].
    pub fn restart(&mut self) {
        self.child = Self::process(&self.folder, self.port, self.tls_port);
        self.wait_until_it_answers();
    }

    /// Cuts everybody who listens to a channel.
    pub fn cut_listeners(&self) {
        self.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    }

    /// Publishes; returns how many heard it.
    pub fn publish(&self, channel: &str, payload: &str) -> usize {
        self.command(&["PUBLISH", channel, payload]).trim_start_matches(':').parse().unwrap()
    }

    /// How many listen to a channel.
    pub fn listeners(&self, channel: &str) -> usize {
        let mut connection = self.connect().unwrap();
        connection.get_mut().write_all(&packed(&["PUBSUB", "NUMSUB", channel])).unwrap();
        let mut line = String::new();
        for _ in 0..4 {
            line.clear();
            connection.read_line(&mut line).unwrap();
        }
        line.trim().trim_start_matches(':').parse().unwrap()
    }

    /// Hears what is on a channel from now on, one payload after the other.
    pub fn listen(&self, channel: &str) -> impl Iterator<Item = String> + use<> {
        let mut connection = self.connect().unwrap();
        connection.get_mut().write_all(&packed(&["SUBSCRIBE", channel])).unwrap();
        let bulk = move || {
            let mut line = String::new();
            connection.read_line(&mut line).ok()?;
            match (line.as_bytes().first()?, line[1..].trim().parse::<usize>()) {
                (b'$', Ok(length)) => {
                    let mut bulk = vec![0; length + 2];
                    connection.read_exact(&mut bulk).ok()?;
                    Some(String::from_utf8_lossy(&bulk[..length]).into_owned())
                }
                _ => Some(line.trim().to_owned()),
            }
        };
        // Both are an array of three; the third of the subscription's own is a number.
        let mut items = std::iter::from_fn(bulk);
        (0..4).for_each(|_| drop(items.next()));
        std::iter::from_fn(move || items.nth(3))
    }

    /// One command; returns the first line of the answer.
    pub fn command(&self, words: &[&str]) -> String {
        let answer = self.try_command(words).expect("redis answers");
        assert!(!answer.starts_with('-'), "{words:?}: {answer}");
        answer
    }

    fn try_command(&self, words: &[&str]) -> Option<String> {
        let mut connection = self.connect()?;
        connection.get_mut().write_all(&packed(words)).ok()?;
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        Some(line.trim().to_owned())
    }

    fn connect(&self) -> Option<BufReader<TcpStream>> {
        let mut connection = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?);
        connection.get_mut().set_read_timeout(Some(crate::DEADLINE)).unwrap();
        connection.get_mut().write_all(&packed(&["AUTH", PASSWORD])).ok()?;
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        (line.trim() == "+OK").then_some(connection)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command as Redis reads it.
fn packed(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes += &format!("${}\r\n{word}\r\n", word.len());
    }
    bytes.into_bytes()
}
