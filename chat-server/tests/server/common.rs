//! Starts servers and asks them things.

use chat_protocol::{ErrorCode, Message, Page, Problem, RoomId, Rooms, UserId};
use chat_server::auth::{Secret, mint};
use chat_testkit::services::Postgres;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "a secret of more than thirty-two bytes";

/// Longer than anything here takes, shorter than anybody's patience.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A drain that lasts longer than [`Server::ended`] waits: whoever ends in time has waited for nobody.
pub(crate) const LONG_DRAIN: [&str; 2] = ["--drain-timeout", "60s"];

/// The binary, with nothing of the test runner's environment that it would heed.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHAT_")) {
        command.env_remove(name);
    }
    // Tests ask and say without a pause, as no app does; those about limits name their own.
    command.env("CHAT_USER_RATE", "0").stdin(Stdio::null());
    command
}

/// A database of a test's own, and the folder that it is in. These tests are run twice by `scripts/test`: as they
/// are, on SQLite files, and with `CHAT_TEST_DATABASE=postgres`, on databases of one PostgreSQL.
pub(crate) fn database() -> (PathBuf, Option<TempDir>) {
    match std::env::var("CHAT_TEST_DATABASE").as_deref() {
        Ok("postgres") => (Postgres::shared().database().into(), None),
        Ok(other) => panic!("CHAT_TEST_DATABASE is postgres or nothing, not {other:?}"),
        Err(_) => {
            let folder = tempfile::tempdir().unwrap();
            (folder.path().join("chat.db"), Some(folder))
        }
    }
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

/// How a server ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl Server {
    /// On a database of its own.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let (database, folder) = database();
        let mut server = Self::start_on(&database, options);
        server._folder = folder;
        server
    }

    pub(crate) fn start_on(database: &Path, options: &[&str]) -> Self {
        Self::launch(database, &[&["--jwt-secret", SECRET], options].concat())
    }

    /// On a database of its own, and with no other secret or key than the options name.
    pub(crate) fn start_without_secret(options: &[&str]) -> Self {
        let (database, folder) = database();
        let mut server = Self::launch(&database, options);
        server._folder = folder;
        server
    }

    fn launch(database: &Path, options: &[&str]) -> Self {
        let mut child = binary()
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(database)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, lines) =
            (Arc::new(Mutex::new(String::new())), BufReader::new(child.stderr.take().unwrap()).lines());
        let sink = Arc::clone(&log);
        let reading = std::thread::spawn(move || {
            for line in lines {
                *sink.lock().unwrap() += &(line.unwrap() + "\n");
            }
        });
        let (mut line, mut stdout) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        stdout.read_line(&mut line).unwrap();
        let Some(url) = line.strip_prefix("listening on ").and_then(|rest| rest.strip_suffix('\n')) else {
            let _ = child.kill();
            let _ = reading.join();
            panic!("first line {line:?}, then {:?}", log.lock().unwrap());
        };
        Self { url: url.to_owned(), child, stdout, log, reading: Some(reading), _folder: None }
    }

    /// Where who watches looks: the second line, of a server with `--metrics-listen`.
    pub(crate) fn watched(&mut self) -> Api {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("metrics on ").unwrap_or_else(|| panic!("second line {line:?}")).trim();
        Api { http: client(|builder| builder), url: url.to_owned(), token: None }
    }

    /// `host:port`, for a bare socket.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// Of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it has logged that.
    pub(crate) async fn has_logged(&self, what: &str) {
        let waited = Instant::now();
        while !self.log.lock().unwrap().contains(what) {
            assert!(waited.elapsed() < DEADLINE, "never said: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the process takes of the machine's memory.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        let reading = self.reading.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(reading.join()));
        // The pipe closes with the process.
        receiver.recv_timeout(DEADLINE).expect("the server goes on").unwrap();
        let stderr = std::mem::take(&mut *self.log.lock().unwrap());
        Ended { status: self.child.wait().unwrap(), stderr }
    }

    pub(crate) fn stop(self) -> Ended {
        self.signal("-TERM");
        self.ended()
    }

    /// Pulls the plug.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn user(&self, name: &str) -> Api {
        self.with_token(Some(token(name)))
    }

    pub(crate) fn with_token(&self, token: Option<String>) -> Api {
        Api { http: client(|builder| builder), url: self.url.clone(), token }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn token(user: &str) -> String {
    token_for(user, Duration::from_secs(600))
}

pub(crate) fn token_for(user: &str, ttl: Duration) -> String {
    mint(&UserId::new(user).unwrap(), &Secret::new(SECRET).unwrap(), ttl).unwrap()
}

pub(crate) fn client(with: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> reqwest::Client {
    // Nothing here is encrypted, but reqwest asks for a provider; installed twice is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    with(reqwest::Client::builder().no_proxy().timeout(DEADLINE)).build().unwrap()
}

/// A user's way to the server.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks everything that a problem of this code has in common, and returns it.
    #[track_caller]
    pub(crate) fn is(&self, code: ErrorCode) -> Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: Problem = self.json();
        assert_eq!(problem.code, code);
        assert_eq!((self.status.as_u16(), problem.status), (code.status(), code.status()));
        assert_eq!(self.header("cache-control"), "no-store");
        problem
    }
}

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

pub(crate) fn key() -> String {
    format!("key-{}", NEXT_KEY.fetch_add(1, Ordering::Relaxed))
}

impl Api {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn put(&self, path: &str) -> Answer {
        send(self.request(Method::PUT, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn make_room(&self, members: &[&str]) -> RoomId {
        let answer = self.post("/v1/rooms", json!({ "title": "a room", "members": members })).await;
        assert_eq!(answer.status, 201);
        answer.json::<chat_protocol::Room>().id
    }

    pub(crate) async fn rooms(&self) -> Rooms {
        let answer = self.get("/v1/rooms").await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    pub(crate) async fn say_as(&self, room: RoomId, key: &str, text: &str) -> Answer {
        let request = self.request(Method::POST, &format!("/v1/rooms/{room}/messages"));
        send(request.header("Idempotency-Key", key).json(&json!({ "text": text }))).await
    }

    pub(crate) async fn say(&self, room: RoomId, text: &str) -> Message {
        let answer = self.say_as(room, &key(), text).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn edit(&self, room: RoomId, id: i64, text: &str) -> Answer {
        let request = self.request(Method::PATCH, &format!("/v1/rooms/{room}/messages/{id}"));
        send(request.json(&json!({ "text": text }))).await
    }

    pub(crate) async fn erase(&self, room: RoomId, id: i64) -> Answer {
        self.delete(&format!("/v1/rooms/{room}/messages/{id}")).await
    }

    pub(crate) async fn mark(&self, room: RoomId, id: i64) -> Answer {
        let request = self.request(Method::PUT, &format!("/v1/rooms/{room}/read"));
        send(request.json(&json!({ "id": id }))).await
    }

    pub(crate) async fn ask(&self, room: RoomId, query: &str) -> Answer {
        self.get(&format!("/v1/rooms/{room}/messages{query}")).await
    }

    pub(crate) async fn page(&self, room: RoomId, query: &str) -> Page {
        let answer = self.ask(room, query).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

/// So often, in any order.
pub(crate) async fn say_at_once(api: &Api, room: RoomId, times: usize, text: &str) {
    let sends: Vec<_> = (0..times)
        .map(|_| {
            let (api, text) = (api.clone(), text.to_owned());
            tokio::spawn(async move { api.say(room, &text).await })
        })
        .collect();
    for send in sends {
        send.await.unwrap();
    }
}

/// The ids of a page, in its order.
pub(crate) fn ids(page: &Page) -> Vec<i64> {
    page.messages.iter().map(|message| message.id.get()).collect()
}

pub(crate) fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap()
}
