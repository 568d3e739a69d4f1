//! The real server, as a real process.

use crate::services::free_port;
use chat_protocol::RoomId;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// The secret every test server signs with.
pub const SECRET: &str = "a secret of at least thirty-two bytes";

/// A program of this workspace, beside the running test.
///
/// # Panics
/// When it was not built: `cargo test --workspace` builds it, and `cargo build --bins`.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|folder| folder.join(".cargo-lock").exists()).unwrap();
    let program = target.join(name);
    assert!(program.exists(), "{} is missing: run `cargo build --bins` first", program.display());
    program
}

/// A `chat-server` process, on a database file of its own unless said otherwise. Killed when dropped.
pub struct ServerProcess {
    child: Child,
    url: String,
    folder: Arc<tempfile::TempDir>,
    database: String,
    log: Arc<Mutex<String>>,
    secret: String,
    options: Vec<String>,
}

impl ServerProcess {
    /// Starts one on a free port and a fresh database.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further options.
    pub fn start_with(options: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let database = folder.path().join("server.db").to_str().unwrap().to_owned();
        Self::launch("127.0.0.1:0", folder, database, SECRET, owned(options))
    }

    /// A node of several, on whichever database they share, at a port that it keeps however long it is away.
    pub fn start_on(database: &str, options: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::launch(&local(free_port()), folder, database.to_owned(), SECRET, owned(options))
    }

    /// Another node on this one's database.
    pub fn beside(&self, options: &[&str]) -> Self {
        let (folder, database) = (self.folder.clone(), self.database.clone());
        Self::launch(&local(free_port()), folder, database, &self.secret, owned(options))
    }

    fn launch(
        listen: &str,
        folder: Arc<tempfile::TempDir>,
        database: String,
        secret: &str,
        options: Vec<String>,
    ) -> Self {
        let mut child = Command::new(binary("chat-server"))
            .args(["--listen", listen, "--jwt-secret", secret, "--database", &database])
            .args(&options)
            // Tests say in a second what people say in an hour. A flag among the options wins.
            .env("CHAT_USER_RATE", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, sink) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                *sink.lock().unwrap() += &format!("{line}\n");
            }
        });
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let url = first.trim().strip_prefix("listening on ");
        let url =
            url.unwrap_or_else(|| panic!("the server did not start: {}", log.lock().unwrap())).to_owned();
        Self { child, url, folder, database, log, secret: secret.to_owned(), options }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops the process where it stands: connections stay open, nothing is answered.
    pub fn freeze(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        // The signal is sent; each thread stops when it next looks.
        let running = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('T')
        };
        let tasks = Path::new("/proc").join(&pid).join("task");
        crate::wait("every thread stands still", || {
            !std::fs::read_dir(&tasks).unwrap().flatten().any(running)
        });
    }

    /// Lets it go on, after [`ServerProcess::freeze`].
    pub fn thaw(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
    }

    /// A new process on the same port and database, after [`ServerProcess::kill`].
    pub fn restart(&mut self) {
        self.restart_with_secret(&self.secret.clone());
    }

    /// The same with another secret, so that every token of before is refused.
    pub fn restart_with_secret(&mut self, secret: &str) {
        let address = self.url.trim_start_matches("http://").to_owned();
        let (folder, database) = (self.folder.clone(), self.database.clone());
        let next = Self::launch(&address, folder, database, secret, self.options.clone());
        *self = next;
    }

    /// A new process that speaks TLS on the same port, at `https://localhost`. Returns its certificate, in DER.
    pub fn restart_with_tls(&mut self) -> Vec<u8> {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = |name: &str, pem: String| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let certificate = file("cert.pem", certified.cert.pem());
        let key = file("key.pem", certified.signing_key.serialize_pem());
        self.options.extend(["--tls-cert".into(), certificate, "--tls-key".into(), key]);
        self.kill();
        self.restart();
        self.url = self.url.replace("127.0.0.1", "localhost");
        certified.cert.der().to_vec()
    }

    /// A token for a user, minted by the program itself.
    pub fn token(&self, user: &str) -> String {
        self.token_for(user, "1h")
    }

    /// The same, good for so long: "90s", "1h".
    pub fn token_for(&self, user: &str, ttl: &str) -> String {
        let output = Command::new(binary("chat-server"))
            .args(["token", "--user", user, "--ttl", ttl, "--jwt-secret", &self.secret])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A room of alice's and bob's.
    pub fn room(&self) -> RoomId {
        let body = json!({"title": "test", "members": ["alice", "bob"]});
        let room = self.call("POST", "/v1/rooms", "alice", None, Some(&body)).1;
        RoomId::new(room["id"].as_i64().unwrap()).unwrap()
    }

    /// Says something as a user; returns the message.
    pub fn say(&self, room: RoomId, user: &str, text: &str) -> Value {
        let mut sayer = self.sayer(room, user);
        sayer.say(text)
    }

    /// Edits a message as its sender; returns it.
    pub fn edit(&self, room: RoomId, user: &str, id: i64, text: &str) -> Value {
        let body = json!({"text": text});
        self.ok("PATCH", &format!("/v1/rooms/{room}/messages/{id}"), user, Some(&body))
    }

    /// Deletes a message as its sender; returns the tombstone.
    pub fn delete(&self, room: RoomId, user: &str, id: i64) -> Value {
        self.ok("DELETE", &format!("/v1/rooms/{room}/messages/{id}"), user, None)
    }

    /// Moves a user's read marker.
    pub fn read(&self, room: RoomId, user: &str, id: i64) -> Value {
        self.ok("PUT", &format!("/v1/rooms/{room}/read"), user, Some(&json!({"id": id})))
    }

    /// A user's rooms, as the server lists them.
    pub fn rooms(&self, user: &str) -> Vec<Value> {
        self.ok("GET", "/v1/rooms", user, None)["rooms"].as_array().unwrap().clone()
    }

    /// Takes a user out of a room.
    pub fn expel(&self, room: RoomId, user: &str) {
        let (status, _) = self.call("DELETE", &format!("/v1/rooms/{room}/members/{user}"), user, None, None);
        assert_eq!(status, 204);
    }

    fn ok(&self, method: &str, path: &str, user: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method, path, user, None, body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// For saying many things: one token, one connection.
    pub fn sayer(&self, room: RoomId, user: &str) -> Sayer {
        Sayer {
            connection: Connection::open(&self.url),
            room,
            token: self.token(user),
            said: 0,
            salt: std::process::id(),
        }
    }

    /// The whole room, oldest first, asked of the server itself.
    pub fn messages(&self, room: RoomId) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let path = format!("/v1/rooms/{room}/messages?after={after}&limit=500");
            let (status, page) = self.call("GET", &path, "alice", None, None);
            if status == 204 {
                return all;
            }
            after = page["cursor"].as_i64().unwrap();
            all.extend(page["messages"].as_array().unwrap().iter().cloned());
        }
    }

    fn call(
        &self,
        method: &str,
        path: &str,
        user: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        Connection::open(&self.url).call(method, path, &self.token(user), key, body)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn owned(options: &[&str]) -> Vec<String> {
    options.iter().map(|option| (*option).to_owned()).collect()
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Somebody who talks to the server directly.
pub struct Sayer {
    connection: Connection,
    room: RoomId,
    token: String,
    said: u64,
    salt: u32,
}

impl Sayer {
    /// Says something; returns the message.
    pub fn say(&mut self, text: &str) -> Value {
        self.said += 1;
        let nonce = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let key = format!("{}-{}-{nonce}", self.salt, self.said);
        let path = format!("/v1/rooms/{}/messages", self.room);
        let (status, message) =
            self.connection.call("POST", &path, &self.token, Some(&key), Some(&json!({"text": text})));
        assert_eq!(status, 201, "{message}");
        message
    }
}

/// A bare HTTP/1.1 connection: the tests' other person shares no code with what is tested.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn call(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let key = key.map(|k| format!("Idempotency-Key: {k}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n{key}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut status = String::new();
        self.0.read_line(&mut status).unwrap();
        let status: u16 = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, if length == 0 { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }
}

/// Where the operating system tells of a process: its threads or its file descriptors.
pub fn count_of_own(what: &str) -> usize {
    std::fs::read_dir(Path::new("/proc/self").join(what)).unwrap().count()
}
