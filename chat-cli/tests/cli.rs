//! The program itself, as a process, against a real server process.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

use chat_protocol::RoomId;
use chat_testkit::{DEADLINE, FaultProxy, ServerProcess, eventually, wait};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// A running chat-cli. Killed when dropped.
struct Cli {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaints: Arc<Mutex<String>>,
    complaining: Option<JoinHandle<()>>,
}

impl Cli {
    fn start(url: &str, token: &str, room: RoomId, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chat-cli"))
            .args(["--server", url, "--room", &room.to_string()])
            .args(more)
            .env("CHAT_TOKEN", token)
            .env("TZ", "Asia/Seoul")
            .env("LC_ALL", "ko_KR.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let complaints = Arc::new(Mutex::new(String::new()));
        let (errors, sink) = (BufReader::new(child.stderr.take().unwrap()), complaints.clone());
        let complaining = Some(std::thread::spawn(move || {
            errors
                .lines()
                .map_while(Result::ok)
                .for_each(|line| *sink.lock().unwrap() += &format!("{line}\n"));
        }));
        let input = child.stdin.take();
        Self { child, input, lines, complaints, complaining }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn end_input(&mut self) {
        self.input = None;
    }

    /// The next line of output.
    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).unwrap()
    }

    /// The next object of output that `wanted` likes.
    fn object(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let value: Value = serde_json::from_str(&self.line()).unwrap();
            if wanted(&value) {
                return value;
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "chat-cli does not end");
            std::thread::yield_now();
        }
    }

    /// What it has said on standard error so far.
    fn complains(&self) -> String {
        self.complaints.lock().unwrap().clone()
    }

    /// The same, until its end.
    fn complaints(&mut self) -> String {
        self.complaining.take().unwrap().join().unwrap();
        self.complains()
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn confirmed(text: &str) -> impl Fn(&Value) -> bool {
    move |v| v["text"] == text && v["state"] == "confirmed"
}

#[tokio::test(flavor = "multi_thread")] // the proxy goes on while this thread waits for a line
async fn killed_between_insert_and_answer_and_restarted_it_shows_each_message_once() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let data = ["--json", "--data", folder.path().to_str().unwrap()];
    let (room, token) = (server.room(), server.token("alice"));
    server.say(room, "bob", "before");

    let mut cli = Cli::start(proxy.url(), &token, room, &data);
    cli.object(confirmed("before"));
    proxy.hold_answers();
    cli.say("안녕 👋");
    eventually("the server has inserted it", || server.messages(room).len() == 2).await;
    cli.kill();
    proxy.go_down();
    server.say(room, "bob", "after");

    // Offline, the restart shows the message as one that is not confirmed.
    let cli = Cli::start(proxy.url(), &token, room, &data);
    let offline = cli.object(|v| v["text"] == "안녕 👋");
    assert_eq!((&offline["id"], &offline["own"]), (&Value::Null, &Value::Bool(true)));
    proxy.come_back();

    let mut screen: BTreeMap<i64, Value> = BTreeMap::from([(offline["key"].as_i64().unwrap(), offline)]);
    while screen.values().filter(|v| v["state"] == "confirmed" && v["id"].as_i64() > Some(1)).count() < 2 {
        let value = cli.object(|_| true);
        screen.insert(value["key"].as_i64().unwrap(), value);
    }
    let mut shown: Vec<_> =
        screen.values().map(|v| (v["id"].as_i64().unwrap(), v["text"].as_str().unwrap())).collect();
    shown.sort_unstable();
    assert_eq!(shown[shown.len() - 2..], [(2, "안녕 👋"), (3, "after")]);
    assert_eq!(server.messages(room).len(), 3);
}

#[test]
fn an_own_line_is_told_before_the_server_knows_of_it_and_again_as_it_gets_on() {
    let server = ServerProcess::start();
    let room = server.room();
    let mut cli = Cli::start(server.url(), &server.token("alice"), room, &["--json"]);
    cli.say("hello");
    let first = cli.object(|v| v["text"] == "hello");
    assert_eq!(
        (&first["state"], &first["id"], &first["seq"]),
        (&"pending".into(), &Value::Null, &Value::Null)
    );
    let last = cli.object(confirmed("hello"));
    assert_eq!((&last["id"], &last["seq"], &last["sender"]), (&1.into(), &1.into(), &"alice".into()));
    assert_eq!(last["key"], first["key"]);
}

#[test]
fn the_cache_is_shown_at_once_by_a_restart_without_a_server() {
    let mut server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let data = ["--json", "--data", folder.path().to_str().unwrap()];
    let (room, token) = (server.room(), server.token("alice"));
    for n in 1..=3 {
        server.say(room, "bob", &format!("{n}"));
    }
    let mut cli = Cli::start(server.url(), &token, room, &data);
    cli.object(confirmed("3"));
    cli.kill();
    server.kill();
    let cli = Cli::start(server.url(), &token, room, &data);
    for n in 1..=3 {
        assert_eq!(cli.object(|_| true)["text"], n.to_string());
    }
}

#[test]
fn it_leaves_when_the_input_has_ended_and_all_of_it_is_confirmed() {
    let server = ServerProcess::start();
    let room = server.room();
    let mut cli = Cli::start(server.url(), &server.token("alice"), room, &[]);
    for n in 0..50 {
        cli.say(&format!("line {n}"));
    }
    cli.say("   "); // blank: passed over
    cli.end_input();
    assert!(cli.wait().success());
    let texts: Vec<_> =
        server.messages(room).iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, (0..50).map(|n| format!("line {n}")).collect::<Vec<_>>());
}

#[test]
fn people_see_own_and_others_with_days_and_times_and_no_escape_sequence() {
    let server = ServerProcess::start();
    let room = server.room();
    server.say(room, "bob", "안녕\u{1b}[31m");
    let mut cli = Cli::start(server.url(), &server.token("alice"), room, &[]);
    let day = cli.line();
    assert!(day.starts_with("──────── ") && day.contains("년 ") && day.ends_with("일 ────────"), "{day}");
    let theirs = cli.line();
    assert!(theirs.starts_with("오전 ") || theirs.starts_with("오후 "), "{theirs}");
    assert!(theirs.ends_with("  bob: 안녕\u{fffd}[31m"), "{theirs}");
    cli.say("hello");
    assert!(cli.line().ends_with("  me: hello"));
    cli.end_input();
    assert!(cli.wait().success());
    assert!(cli.lines.recv().is_err(), "confirming it is worth no second line");
}

#[test]
fn a_refused_token_a_strange_room_and_a_text_too_long_are_told_plainly() {
    let server = ServerProcess::start();
    let room = server.room();
    let nobody = RoomId::new(99).unwrap();
    let forged = format!("{}x", server.token("alice"));
    for (token, room, words) in [
        (forged.as_str(), room, "the server refuses the token"),
        (server.token("alice").as_str(), nobody, "no such room"),
        (server.token("mallory").as_str(), room, "not a member of the room"),
    ] {
        let mut cli = Cli::start(server.url(), token, room, &["--json"]);
        assert_eq!(cli.wait().code(), Some(1));
        let complaints = cli.complaints();
        assert!(complaints.contains(words), "{complaints}");
        assert!(!complaints.contains(token), "no token in a log");
    }
    let mut cli = Cli::start(server.url(), &server.token("alice"), room, &["--json"]);
    cli.say(&"x".repeat(4_001));
    cli.say("short");
    cli.object(confirmed("short"));
    cli.end_input();
    assert_eq!(cli.wait().code(), Some(1), "not all of it was sent");
    assert!(cli.complaints().contains("the text has 4001 characters, the limit is 4000"));
}

#[test]
fn input_that_is_no_text_or_cannot_be_read_is_told_once_and_ends() {
    let server = ServerProcess::start();
    let room = server.room();
    let mut cli = Cli::start(server.url(), &server.token("alice"), room, &["--json"]);
    cli.input.as_mut().unwrap().write_all(b" \n\xff\xfe\n").unwrap();
    cli.end_input();
    assert_eq!(cli.wait().code(), Some(1));
    assert!(cli.complaints().contains("not sent: the line is not UTF-8"));

    let folder = std::fs::File::open("/").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
    command.args(["--server", server.url(), "--room", &room.to_string(), "--token", &server.token("alice")]);
    let mut watching = command.stdin(folder).stderr(Stdio::piped()).spawn().unwrap();
    let mut complaints = BufReader::new(watching.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(complaints.any(|line| line.starts_with("chat-cli: standard input: ")));
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(!complaints.any(|line| line.contains("standard input")), "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_sent_before_the_first_page_and_older_than_it_is_settled() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let room = server.room();
    proxy.hold_answers();
    let mut cli = Cli::start(proxy.url(), &server.token("alice"), room, &["--json"]);
    cli.say("my first words");
    eventually("the server has it", || server.messages(room).len() == 1).await;
    let mut bob = server.sayer(room, "bob");
    (1..=150).for_each(|n| drop(bob.say(&n.to_string())));
    proxy.go_down(); // the first page, too, was asked for before; it is asked for again
    proxy.come_back();
    cli.object(confirmed("150"));
    cli.end_input();
    assert!(cli.wait().success());
}

#[test]
fn a_message_cannot_pass_for_another_line_or_turn_it_around() {
    let server = ServerProcess::start();
    let room = server.room();
    server.say(room, "bob", "hi\n12:00  me: I owe you 100 \u{202e}abc");
    let cli = Cli::start(server.url(), &server.token("alice"), room, &[]);
    cli.line();
    assert!(cli.line().ends_with("  bob: hi"));
    assert_eq!(cli.line(), "        12:00  me: I owe you 100 \u{fffd}abc");
}

#[test]
fn the_log_at_its_loudest_holds_no_text_and_no_token() {
    let server = ServerProcess::start();
    let room = server.room();
    let token = server.token("alice");
    let mut cli = Cli::start(server.url(), &token, room, &["--json", "--verbose"]);
    server.say(room, "bob", "whispered by bob");
    cli.object(confirmed("whispered by bob"));
    cli.say("whispered by alice");
    cli.say(&"long whisper ".repeat(400));
    cli.object(confirmed("whispered by alice"));
    cli.end_input();
    assert_eq!(cli.wait().code(), Some(1), "the long one was refused");
    let log = cli.complaints();
    assert!(log.contains("DEBUG"), "there is a log: {log}");
    assert!(!log.contains("whisper"), "{log}");
    for part in token.split('.') {
        assert!(!log.contains(part), "{log}");
    }
}

#[test]
fn a_signal_ends_it_cleanly_and_a_second_one_on_the_same_cache_is_refused_meanwhile() {
    let server = ServerProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let data = ["--json", "--data", folder.path().to_str().unwrap()];
    let (room, token) = (server.room(), server.token("alice"));
    let mut cli = Cli::start(server.url(), &token, room, &data);
    cli.say("here");
    cli.object(confirmed("here"));
    let mut second = Cli::start(server.url(), &token, room, &data);
    assert_eq!(second.wait().code(), Some(1));
    assert!(second.complaints().contains("in use by another client"));
    let terminated = Command::new("kill").args(["-TERM", &cli.child.id().to_string()]).status().unwrap();
    assert!(terminated.success());
    assert!(cli.wait().success());
}

#[test]
fn every_transport_is_told_and_counted() {
    let server = ServerProcess::start();
    let (room, token) = (server.room(), server.token("alice"));
    for (transport, used) in [
        ("polling", "polling"),
        ("long-polling", "long-polling"),
        ("sse", "sse"),
        ("websocket", "websocket"),
        ("auto", "websocket"),
    ] {
        let options = ["--json", "--stats", "--transport", transport];
        let mut cli = Cli::start(server.url(), &token, room, &options);
        wait("connected", || cli.complains().contains(&format!("connected by {used}\n")));
        for n in 0..3 {
            let text = format!("{n} by {transport}");
            server.say(room, "bob", &text);
            cli.object(confirmed(&text));
        }
        cli.say(&format!("mine by {transport}"));
        cli.object(confirmed(&format!("mine by {transport}")));
        assert!(Command::new("kill").arg(cli.child.id().to_string()).status().unwrap().success());
        assert!(cli.wait().success());
        let told = cli.complaints();
        let stats: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        let stats = &stats["stats"];
        assert_eq!((&stats["transport"], &stats["reconnects"]), (&used.into(), &0.into()), "{stats}");
        assert_eq!(stats["delivered"], 3, "{stats}");
        let (up, down) = (stats["bytes_up"].as_u64().unwrap(), stats["bytes_down"].as_u64().unwrap());
        assert!(up > 500 && down > 1_000, "{stats}");
        let late = stats["latency_ms"]["p99"].as_i64().unwrap();
        assert!((0..10_000).contains(&late), "{stats}");
        let requests = stats["requests"].as_i64().unwrap();
        match used {
            // The first look, the handshake and no more: the message went up the socket.
            "websocket" => assert_eq!(requests, 2, "{stats}"),
            "sse" => assert_eq!(requests, 3, "{stats}"),
            _ => assert!(requests > 5, "{stats}"),
        }
    }
}
