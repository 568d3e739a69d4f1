//! A light client: the protocol by hand, on every transport, one request or connection at a time, at whichever node
//! the test names. It shares no code with the engine.

use chat_protocol::{CloseCode, Message, Page, Problem, RoomId, ServerFrame, TransactionId};
use chat_server::auth::{Secret, mint};
use chat_testkit::{SECRET, user};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// For connecting, and for an answer that is not held: a node that needs longer is as good as gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a poll asks to be held, unless the test says otherwise: longer than any test waits, so that what comes was
/// brought and not asked for. Nodes must allow it, as [`ALWAYS`] has them do.
const HELD: Duration = Duration::from_secs(55);

/// A stream on which so long nothing came, not even a heartbeat, is dead. Two and a half heartbeats of [`ALWAYS`].
const SILENCE: Duration = Duration::from_secs(12);

/// What every node is told for the sake of these clients.
pub(crate) const ALWAYS: [&str; 4] = ["--heartbeat", "5", "--max-wait", "55"];

/// A transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Polling,
    LongPolling,
    Sse,
    WebSocket,
}

impl By {
    pub(crate) const ALL: [By; 4] = [By::Polling, By::LongPolling, By::Sse, By::WebSocket];
}

/// How a request or connection came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As it should; or by a node that asks to come back.
    Well,
    /// The node is gone, or cannot serve just now.
    Lost,
    /// The node will not have it: the problem's code.
    Refused(String),
}

/// Something to be said over an open socket.
pub(crate) struct Saying {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) answered: oneshot::Sender<Said>,
}

/// What became of something said.
#[derive(Debug)]
pub(crate) enum Said {
    /// It is stored.
    Stored(Box<Message>),
    /// Nobody knows: it is to be said again, with the same key.
    Perhaps,
    /// Not stored, for this reason.
    Refused(String),
}

/// Somebody's way to a room.
pub(crate) struct Line {
    by: By,
    room: RoomId,
    token: String,
    http: reqwest::Client,
    /// How long a poll is held.
    pub(crate) held: Duration,
    /// The last change heard.
    pub(crate) cursor: i64,
}

pub(crate) fn http() -> reqwest::Client {
    // Nothing here is encrypted, but reqwest asks for a provider; installed twice is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().connect_timeout(PATIENCE).build().unwrap()
}

pub(crate) fn token(name: &str) -> String {
    mint(&user(name), &Secret::new(SECRET).unwrap(), Duration::from_secs(3_600)).unwrap()
}

impl Line {
    pub(crate) fn new(by: By, room: RoomId, name: &str, http: reqwest::Client) -> Self {
        Self { by, room, token: token(name), http, held: HELD, cursor: 0 }
    }

    fn url(&self, node: &str, rest: &str) -> String {
        format!("{node}/v1/rooms/{}/{rest}", self.room)
    }

    /// One request, or one stream until it ends. `heard` gets every message as it comes.
    #[allow(dead_code)] // The cluster's members talk over their sockets, always.
    pub(crate) async fn follow(&mut self, node: &str, heard: &mut (impl FnMut(Message) + Send)) -> Ended {
        self.follow_and_say(node, heard, &mut mpsc::channel(1).1).await
    }

    /// The same; over a socket it also says what there is to say.
    pub(crate) async fn follow_and_say(
        &mut self,
        node: &str,
        heard: &mut (impl FnMut(Message) + Send),
        sayings: &mut mpsc::Receiver<Saying>,
    ) -> Ended {
        let ended = match self.by {
            By::Polling => self.poll(node, Duration::ZERO, heard).await,
            By::LongPolling => self.poll(node, self.held, heard).await,
            By::Sse => self.stream(node, heard).await,
            By::WebSocket => self.socket(node, heard, sayings).await,
        };
        ended.unwrap_or(Ended::Lost)
    }

    /// `None` for whatever breaks on the way.
    async fn poll(
        &mut self,
        node: &str,
        wait: Duration,
        heard: &mut (impl FnMut(Message) + Send),
    ) -> Option<Ended> {
        let query = format!("messages?after={}&limit=100&wait={}", self.cursor, wait.as_secs());
        let request = self.http.get(self.url(node, &query)).bearer_auth(&self.token);
        let response = request.timeout(wait + PATIENCE).send().await.ok()?;
        match response.status().as_u16() {
            200 => {
                let page: Page = response.json().await.ok()?;
                page.messages.into_iter().for_each(heard);
                self.cursor = page.cursor.get();
                Some(Ended::Well)
            }
            204 => Some(Ended::Well),
            _ => refused(response).await,
        }
    }

    async fn stream(&mut self, node: &str, heard: &mut (impl FnMut(Message) + Send)) -> Option<Ended> {
        let request = self.http.get(self.url(node, "events")).bearer_auth(&self.token);
        let request = request.header("last-event-id", self.cursor);
        let mut response = timeout(PATIENCE, request.send()).await.ok()?.ok()?;
        if response.status() != 200 {
            return refused(response).await;
        }
        let mut buffer = Vec::new();
        loop {
            let Some(chunk) = timeout(SILENCE, response.chunk()).await.ok()?.ok()? else {
                return Some(Ended::Lost);
            };
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = buffer.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                match (field("event: "), field("data: ")) {
                    (Some("message"), Some(data)) => {
                        let message: Message = serde_json::from_str(data).unwrap();
                        assert_eq!(field("id: "), Some(message.seq.to_string().as_str()));
                        self.cursor = message.seq.get();
                        heard(message);
                    }
                    (Some("end"), Some(data)) => return Some(problem(data.as_bytes())),
                    _ => {}
                }
            }
        }
    }

    async fn socket(
        &mut self,
        node: &str,
        heard: &mut (impl FnMut(Message) + Send),
        sayings: &mut mpsc::Receiver<Saying>,
    ) -> Option<Ended> {
        let address = node.trim_start_matches("http://");
        let url = format!("ws://{address}/v1/rooms/{}/socket?after={}", self.room, self.cursor);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "chat.v1".parse().unwrap());
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.ok()?.ok()?;
        let mut socket = match timeout(PATIENCE, client_async(request, stream)).await.ok()? {
            Ok((socket, _)) => socket,
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                return Some(problem(answer.body().as_deref()?));
            }
            Err(_) => return None,
        };
        let mut open: Vec<Saying> = Vec::new();
        loop {
            let frame = tokio::select! {
                frame = timeout(SILENCE, socket.next()) => frame.ok()??.ok()?,
                Some(saying) = sayings.recv() => {
                    let frame = json!({"type": "send", "transaction_id": saying.key, "text": saying.text});
                    open.push(saying);
                    socket.send(Frame::text(frame.to_string())).await.ok()?;
                    continue;
                }
            };
            match frame {
                Frame::Text(text) => self.frame(serde_json::from_str(&text).unwrap(), heard, &mut open),
                Frame::Close(frame) => {
                    let code = CloseCode::from_number(frame?.code.into())?;
                    return Some(match code {
                        CloseCode::GoingAway | CloseCode::SlowReader => Ended::Well,
                        code => Ended::Refused(code.code().as_str().to_owned()),
                    });
                }
                _ => {}
            }
        }
    }

    fn frame(
        &mut self,
        frame: ServerFrame,
        heard: &mut (impl FnMut(Message) + Send),
        open: &mut Vec<Saying>,
    ) {
        let mut answer = |key: TransactionId, said: Said| {
            let at = open.iter().position(|saying| saying.key == key.as_str()).expect("what was never said");
            let _ = open.swap_remove(at).answered.send(said);
        };
        match frame {
            ServerFrame::Changes { messages, cursor } => {
                messages.into_iter().for_each(heard);
                self.cursor = cursor.get();
            }
            ServerFrame::Sent { transaction_id, message } => {
                answer(transaction_id, Said::Stored(Box::new(message)));
            }
            ServerFrame::Refused { transaction_id, problem, .. } => {
                answer(transaction_id, said_no(problem.status, problem.code.as_str()));
            }
            ServerFrame::Unknown => panic!("a frame of a later version"),
        }
    }
}

/// Somebody who says things by `POST`.
#[derive(Clone)]
pub(crate) struct Talker {
    room: RoomId,
    token: String,
    http: reqwest::Client,
}

impl Talker {
    pub(crate) fn new(room: RoomId, name: &str, http: reqwest::Client) -> Self {
        Self { room, token: token(name), http }
    }

    /// As often as it takes, with the one key: a node that is busy says so.
    pub(crate) async fn say_until_stored(&self, node: &str, key: &str, text: &str) -> Box<Message> {
        let begun = Instant::now();
        loop {
            match self.say(node, key, text).await {
                Said::Stored(message) => return message,
                Said::Refused(why) => panic!("{text}: refused: {why}"),
                Said::Perhaps => assert!(begun.elapsed() < 6 * PATIENCE, "{text}: never stored"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Once.
    pub(crate) async fn say(&self, node: &str, key: &str, text: &str) -> Said {
        let url = format!("{node}/v1/rooms/{}/messages", self.room);
        let request = self.http.post(url).bearer_auth(&self.token).header("idempotency-key", key);
        let Ok(response) = request.json(&json!({"text": text})).timeout(PATIENCE).send().await else {
            return Said::Perhaps;
        };
        match response.status().as_u16() {
            201 => response.json().await.map_or(Said::Perhaps, |message| Said::Stored(Box::new(message))),
            status => said_no(status, &response.text().await.unwrap_or_default()),
        }
    }
}

fn said_no(status: u16, why: &str) -> Said {
    match status {
        429 | 500.. => Said::Perhaps,
        _ => Said::Refused(why.to_owned()),
    }
}

async fn refused(response: reqwest::Response) -> Option<Ended> {
    Some(problem(&response.bytes().await.ok()?))
}

/// What a problem says about coming again.
fn problem(json: &[u8]) -> Ended {
    let Ok(problem) = serde_json::from_slice::<Problem>(json) else { return Ended::Lost };
    match problem.status {
        429 | 500.. => Ended::Lost,
        _ => Ended::Refused(problem.code.as_str().to_owned()),
    }
}
