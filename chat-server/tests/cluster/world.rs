//! What the members stand on: PostgreSQL, Redis, three nodes, and rooms.

use crate::line::{self, By, Saying, Talker, http, token};
use crate::{LIGHT_PER_TRANSPORT, PHONES, ROOMS};
use chat_protocol::{Message, Page, RoomId};
use chat_testkit::services::{Postgres, Redis};
use chat_testkit::{Balancer, ServerProcess};
use reqwest::{RequestBuilder, Response};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// Of each node: never. What the last act loses, and what the fire did, comes by nothing but what the bus says of itself:
/// a gap, a new node, a new connection.
const RESYNC: &str = "1h";

/// For an answer: a node that needs longer is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

/// With which each room ends.
pub(crate) const LAST_WORD: &str = "the last word";

/// Nodes.
pub(crate) const NODES: usize = 3;

pub(crate) struct World {
    pub(crate) nodes: Vec<Mutex<ServerProcess>>,
    pub(crate) urls: Arc<[String]>,
    pub(crate) postgres: Postgres,
    redis: Mutex<Redis>,
    pub(crate) balancer: Balancer,
    pub(crate) http: reqwest::Client,
    pub(crate) rooms: Vec<RoomId>,
    talking: watch::Sender<bool>,
}

/// A light member's name.
pub(crate) fn light_name(room: usize, by: By, n: usize) -> String {
    format!("light-{room}-{by:?}-{n}")
}

/// A phone's owner's.
pub(crate) fn phone_name(n: usize) -> String {
    format!("phone-{n}")
}

impl World {
    pub(crate) async fn start() -> Self {
        let (postgres, redis) = (Postgres::start(), Redis::start());
        let (database, bus) = (postgres.database(), redis.url());
        let options = ["--redis", &bus, "--resync-interval", RESYNC, "--log", "warn"];
        let options = [&line::ALWAYS[..], &options].concat();
        let nodes: Vec<_> = (0..NODES).map(|_| ServerProcess::start_on(&database, &options)).collect();
        let urls: Arc<[String]> = nodes.iter().map(|node| node.url().to_owned()).collect();
        let balancer = Balancer::start(&urls.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let http = http();
        let mut rooms = Vec::new();
        for room in 0..ROOMS {
            rooms.push(found(&http, &urls[room % NODES], room).await);
        }
        let (nodes, redis) = (nodes.into_iter().map(Mutex::new).collect(), Mutex::new(redis));
        Self { nodes, urls, postgres, redis, balancer, http, rooms, talking: watch::Sender::new(false) }
    }

    pub(crate) fn redis(&self) -> MutexGuard<'_, Redis> {
        self.redis.lock().unwrap()
    }

    /// Whether everybody has something to say, from now on.
    pub(crate) fn talk(&self, talk: bool) {
        self.talking.send_replace(talk);
    }

    pub(crate) fn talking(&self) -> watch::Receiver<bool> {
        self.talking.subscribe()
    }

    /// Said in every room on the first node, which dies of it.
    pub(crate) async fn last_word(&self) {
        for room in &self.rooms {
            let founder = Talker::new(*room, "founder", self.http.clone());
            founder.say_until_stored(&self.urls[0], "last-word", LAST_WORD).await;
        }
        self.nodes[0].lock().unwrap().kill();
    }

    /// What the store holds of a room: every message by number.
    pub(crate) async fn stored(&self, room: RoomId) -> Vec<Message> {
        let token = token("founder");
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let url = format!("{}/v1/rooms/{room}/messages?after={after}&limit=500", self.urls[0]);
            let response = answered(self.http.get(url).bearer_auth(&token)).await;
            match response.status().as_u16() {
                204 => return all,
                status => assert_eq!(status, 200),
            }
            let page: Page = response.json().await.unwrap();
            after = page.cursor.get();
            all.extend(page.messages);
        }
    }
}

/// The answer to a request, asked again while the node is busy.
async fn answered(request: RequestBuilder) -> Response {
    let begun = Instant::now();
    loop {
        if let Ok(answer) = request.try_clone().unwrap().timeout(PATIENCE).send().await
            && answer.status() != 503
        {
            return answer;
        }
        assert!(begun.elapsed() < 6 * PATIENCE, "never answered: {request:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn found(http: &reqwest::Client, node: &str, room: usize) -> RoomId {
    let light =
        By::ALL.into_iter().flat_map(|by| (0..LIGHT_PER_TRANSPORT).map(move |n| light_name(room, by, n)));
    let phones = (0..PHONES).filter(|n| n % ROOMS == room).map(phone_name);
    let members: Vec<_> = light.chain(phones).collect();
    let request = http.post(format!("{node}/v1/rooms")).bearer_auth(token("founder"));
    // Made twice, after an answer that was lost, there are two, of which one is used.
    let answer = answered(request.json(&json!({"title": "a room", "members": members}))).await;
    assert_eq!(answer.status(), 201);
    answer.json::<chat_protocol::Room>().await.unwrap().id
}

/// A way to say things over a socket while it is open.
pub(crate) fn sayings() -> (mpsc::Sender<Saying>, mpsc::Receiver<Saying>) {
    mpsc::channel(1)
}

/// A wait between the two, in milliseconds.
pub(crate) async fn pause(random: &mut fastrand::Rng, millis: std::ops::Range<u64>) {
    sleep(Duration::from_millis(random.u64(millis))).await;
}
