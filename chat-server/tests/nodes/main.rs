//! Several nodes on one database: what is said on one is heard on the others, with Redis and without.

// clippy.toml excuses test functions; their helpers fail tests the same way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alternating;
mod bus;
mod gaps;
mod line;
mod redis;

use chat_protocol::RoomId;
use chat_testkit::services::Redis;
use chat_testkit::{ServerProcess, eventually};
use line::{By, Ended, Line};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// So seldom that no test sees it: what comes was told.
const NEVER: &str = "1h";

/// Two nodes on one SQLite file, with a room of alice's and bob's.
struct Nodes {
    a: ServerProcess,
    b: ServerProcess,
    room: RoomId,
}

impl Nodes {
    /// Each with options of its own.
    fn start(a: &[&str], b: &[&str]) -> Self {
        let a = ServerProcess::start_with(&[&line::ALWAYS, a].concat());
        let b = a.beside(&[&line::ALWAYS, b].concat());
        let room = a.room();
        Self { a, b, room }
    }

    /// On a bus, which alone tells them of each other.
    async fn on(redis: &Redis) -> Self {
        let url = redis.url();
        let options = ["--redis", url.as_str(), "--resync-interval", NEVER];
        let nodes = Self::start(&options, &options);
        nodes.are_there(redis, 2).await;
        nodes
    }

    /// So many nodes hear the channel, and say that they are there: who only hears it has not told yet, and is still
    /// to re-read what was told before.
    async fn are_there(&self, redis: &Redis, count: usize) {
        let is_there = |node: &&ServerProcess| {
            node.log().lines().rfind(|line| line.contains("redis is")).is_some_and(|it| it.contains("there"))
        };
        eventually("the nodes are on the bus", || {
            redis.listeners("chat") == count
                && [&self.a, &self.b].iter().filter(|it| is_there(it)).count() == count
        })
        .await;
    }

    fn say(&self, text: &str) {
        self.a.say(self.room, "alice", text);
    }

    /// Bob, at the second node.
    fn bob(&self, by: By) -> Listening {
        Listening::start(by, self.b.url(), self.room)
    }

    /// The same, once he hears what happens: what comes from then on is brought to him.
    async fn bob_who_listens(&self, by: By) -> Listening {
        self.b.say(self.room, "alice", "hello");
        let bob = self.bob(by);
        bob.has(&["hello"]).await;
        bob
    }
}

/// Bob, who listens at one node and comes back whenever he may.
struct Listening {
    heard: Arc<Mutex<Vec<String>>>,
    ended: Arc<Mutex<Option<Ended>>>,
    task: JoinHandle<()>,
}

impl Listening {
    fn start(by: By, node: &str, room: RoomId) -> Self {
        let (heard, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None)));
        let (sink, end) = (heard.clone(), ended.clone());
        let (mut line, node) = (Line::new(by, room, "bob", line::http()), node.to_owned());
        let task = tokio::spawn(async move {
            loop {
                let ended = line.follow(&node, &mut |message| sink.lock().unwrap().push(message.text)).await;
                if let Ended::Refused(_) = ended {
                    *end.lock().unwrap() = Some(ended);
                    return;
                }
            }
        });
        Self { heard, ended, task }
    }

    fn texts(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    async fn has(&self, texts: &[&str]) {
        eventually(&format!("bob hears {texts:?}"), || self.heard.lock().unwrap().len() >= texts.len()).await;
        assert_eq!(self.texts(), texts);
    }

    async fn is_refused(&self, code: &str) {
        eventually("bob is sent away", || self.ended.lock().unwrap().is_some()).await;
        assert_eq!(*self.ended.lock().unwrap(), Some(Ended::Refused(code.to_owned())));
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}
