//! A server whose held connections say what the test wants, in the same words on every transport.
//!
//! Plain polls are answered by the truth, unless polling is what is tested. So a test says what goes wrong on
//! the one connection, and sees that nothing of it reaches the screen.

use bytes::Bytes;
use chat_engine::TransportKind;
use chat_protocol::{
    CloseCode, EVENT_END, ErrorCode, Message, PROBLEM_CONTENT_TYPE, Page, Problem, SUBPROTOCOL, Seq,
    ServerFrame,
};
use futures_util::{SinkExt, Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as WsFrame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

/// A connection that is to be held, as it arrives. For polling, every poll is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// By which transport.
    pub by: TransportKind,
    /// The cursor.
    pub after: i64,
    /// How many came before it.
    pub nth: usize,
}

/// What is done about an [`Opening`].
#[derive(Debug, Clone)]
pub enum Told {
    /// Refused by the protocol, with a `Retry-After` perhaps.
    Problem(ErrorCode, Option<u64>),
    /// Refused by something in between, without a word of the protocol.
    Status(u16),
    /// The request is taken and never answered.
    Unanswered,
    /// The head of an answer, and never a word after it.
    Mute,
    /// These batches, as they are, and then this.
    Batches(Vec<Vec<Message>>, Then),
}

/// How a connection goes on after its batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// What is said from then on.
    Follow,
    /// Silence for ever.
    Silence,
    /// Breaks off.
    Cut,
    /// Ends with a reason.
    End(CloseCode),
}

impl Told {
    /// What was missed, then what is said from then on: a server with nothing wrong.
    pub fn well() -> Self {
        Told::Batches(Vec::new(), Then::Follow)
    }
}

type Script = Box<dyn Fn(Opening) -> Told + Send + Sync>;
type Body = BoxBody<Bytes, io::Error>;

/// See the module's documentation. Ends when dropped.
pub struct StreamServer {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// What is tested: this is scripted, all else is the truth or not there.
    tested: Vec<TransportKind>,
    script: Script,
    truth: watch::Sender<Vec<Message>>,
    openings: Mutex<Vec<Opening>>,
    polls: Mutex<usize>,
    /// What plain polls meet, in the place of the truth.
    busy: Mutex<Option<ErrorCode>>,
    tokens: Mutex<Vec<String>>,
    held: watch::Sender<usize>,
}

impl StreamServer {
    /// Has `messages` messages; what opens by one of the `tested` transports meets the script.
    pub async fn start(
        tested: &[TransportKind],
        messages: i64,
        script: impl Fn(Opening) -> Told + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let truth = (1..=messages).map(|n| crate::message(n, n)).collect();
        let shared = Arc::new(Shared {
            tested: tested.to_vec(),
            script: Box::new(script),
            truth: watch::Sender::new(truth),
            openings: Mutex::default(),
            polls: Mutex::default(),
            busy: Mutex::default(),
            tokens: Mutex::default(),
            held: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self { url, shared, task }
    }

    /// Where to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Somebody says one more thing; returns its id.
    pub fn say(&self) -> i64 {
        let mut id = 0;
        self.shared.truth.send_modify(|messages| {
            id = messages.len() as i64 + 1;
            messages.push(crate::message(id, id));
        });
        id
    }

    /// What was opened by the tested transports so far.
    pub fn openings(&self) -> Vec<Opening> {
        self.shared.openings.lock().unwrap().clone()
    }

    /// How many plain polls were answered by the truth.
    pub fn polls(&self) -> usize {
        *self.shared.polls.lock().unwrap()
    }

    /// From now on plain polls are refused with this, and a `Retry-After` of a minute.
    pub fn refuse_polls(&self, code: ErrorCode) {
        *self.shared.busy.lock().unwrap() = Some(code);
    }

    /// The tokens that openings came with, without their scheme.
    pub fn tokens(&self) -> Vec<String> {
        self.shared.tokens.lock().unwrap().clone()
    }

    /// Openings that are being answered, or not answered, now.
    pub fn held(&self) -> usize {
        *self.shared.held.borrow()
    }
}

impl Drop for StreamServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts an opening as held while it lives.
struct Held(Arc<Shared>);

impl Held {
    fn new(shared: Arc<Shared>) -> Self {
        shared.held.send_modify(|held| *held += 1);
        Self(shared)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.send_modify(|held| *held -= 1);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, shared.clone()));
            let http = hyper::server::conn::http1::Builder::new();
            // Connections that end badly are what half of these tests are about.
            let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}

fn whole(status: u16, content_type: &str, body: Vec<u8>) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {}).boxed();
    Response::builder().status(status).header("content-type", content_type).body(body).unwrap()
}

fn problem(code: ErrorCode, retry_after: Option<u64>) -> Response<Body> {
    let problem = Problem::new(code);
    let mut response = whole(problem.status, PROBLEM_CONTENT_TYPE, serde_json::to_vec(&problem).unwrap());
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

fn page(messages: Vec<Message>, cursor: i64, has_more: bool) -> Response<Body> {
    let page = Page { messages, cursor: Seq::new(cursor).unwrap(), has_more };
    whole(200, "application/json", serde_json::to_vec(&page).unwrap())
}

async fn answer(mut request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, Infallible> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let number = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<i64>().ok())
    };
    let (after, wait) = (number("after"), number("wait"));
    assert_eq!(request.method(), Method::GET, "{}", request.uri());
    let by = match request.uri().path().rsplit('/').next() {
        Some("events") => TransportKind::Sse,
        Some("socket") => TransportKind::WebSocket,
        _ if wait.is_some() => TransportKind::LongPolling,
        _ => TransportKind::Polling,
    };
    match after {
        Some(after) if shared.tested.contains(&by) => {
            let opening = {
                let mut openings = shared.openings.lock().unwrap();
                let opening = Opening { by, after, nth: openings.len() };
                openings.push(opening);
                opening
            };
            let token = request.headers().get("authorization").and_then(|v| v.to_str().ok()).unwrap_or("");
            shared.tokens.lock().unwrap().push(token.trim_start_matches("Bearer ").to_owned());
            let told = (shared.script)(opening);
            let held = Held::new(shared.clone());
            Ok(tell(&mut request, opening, told, wait, held).await)
        }
        _ if by != TransportKind::Polling => Ok(problem(ErrorCode::NotFound, None)),
        after => {
            *shared.polls.lock().unwrap() += 1;
            match *shared.busy.lock().unwrap() {
                Some(code) => Ok(problem(code, Some(60))),
                None => Ok(poll(&shared.truth.borrow(), after)),
            }
        }
    }
}

/// The truth, as a plain poll has it.
fn poll(truth: &[Message], after: Option<i64>) -> Response<Body> {
    let newest = truth.last().map_or(0, |m| m.seq.get());
    match after {
        Some(after) if after == newest => Response::builder().status(204).body(empty()).unwrap(),
        Some(after) if after > newest => problem(ErrorCode::CursorAhead, None),
        Some(after) => {
            let mut missed: Vec<_> = truth.iter().filter(|m| m.seq.get() > after).cloned().collect();
            let has_more = missed.len() > 100;
            missed.truncate(100);
            let cursor = missed.last().map_or(after, |m| m.seq.get());
            page(missed, cursor, has_more)
        }
        None => {
            let from = truth.len().saturating_sub(100);
            page(truth[from..].to_vec(), newest, from > 0)
        }
    }
}

fn in_pieces(pieces: impl Stream<Item = Result<Frame<Bytes>, io::Error>> + Send + Sync + 'static) -> Body {
    BodyExt::boxed(StreamBody::new(pieces))
}

fn empty() -> Body {
    http_body_util::Empty::new().map_err(|never: Infallible| match never {}).boxed()
}

async fn tell(
    request: &mut Request<Incoming>,
    opening: Opening,
    told: Told,
    wait: Option<i64>,
    held: Held,
) -> Response<Body> {
    let (batches, then) = match told {
        Told::Problem(code, retry_after) => return problem(code, retry_after),
        Told::Status(status) => return Response::builder().status(status).body(empty()).unwrap(),
        Told::Unanswered => pending().await,
        Told::Mute => (None, Then::Silence),
        Told::Batches(batches, then) => (Some(batches), then),
    };
    match opening.by {
        TransportKind::Polling | TransportKind::LongPolling => {
            let batches = batches.unwrap_or_default();
            one_answer(opening.after, batches.into_iter().next(), then, wait, &held).await
        }
        TransportKind::Sse => {
            let (words, body) = mpsc::channel::<Result<Bytes, io::Error>>(64);
            tokio::spawn(events(words, opening.after, batches, then, held));
            let body = stream::unfold(body, |mut body| async { Some((body.recv().await?, body)) });
            let body = in_pieces(body.map(|chunk| chunk.map(Frame::data)));
            Response::builder().header("content-type", "text/event-stream; charset=utf-8").body(body).unwrap()
        }
        TransportKind::WebSocket => {
            let upgrade = hyper::upgrade::on(&mut *request);
            tokio::spawn(async move {
                let Ok(upgraded) = upgrade.await else { return };
                let io = TokioIo::new(upgraded);
                let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
                frames(socket, opening.after, batches, then, held).await;
            });
            switching(request.headers())
        }
    }
}

fn switching(headers: &HeaderMap) -> Response<Body> {
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", derive_accept_key(headers["sec-websocket-key"].as_bytes()))
        .header("sec-websocket-protocol", SUBPROTOCOL)
        .body(empty())
        .unwrap()
}

/// A question that is answered once: by the first batch, or by how it goes on.
async fn one_answer(
    after: i64,
    batch: Option<Vec<Message>>,
    then: Then,
    wait: Option<i64>,
    held: &Held,
) -> Response<Body> {
    if let Some(batch) = batch {
        let cursor = batch.last().map_or(after, |m| m.seq.get());
        return match then {
            Then::Cut => {
                let whole = page(batch, cursor, false);
                let length = hyper::body::Body::size_hint(whole.body()).exact().unwrap();
                let bytes = whole.into_body().collect().await.unwrap().to_bytes();
                let half = bytes.slice(..bytes.len() / 2);
                let pieces = stream::iter([Ok(Frame::data(half)), Err(io::Error::other("cut"))]);
                let response = Response::builder().header("content-type", "application/json");
                response.header("content-length", length).body(in_pieces(pieces)).unwrap()
            }
            _ => page(batch, cursor, false),
        };
    }
    match then {
        Then::End(code) => problem(code.code(), None),
        Then::Cut => {
            let cut = stream::iter([Err::<Frame<Bytes>, _>(io::Error::other("cut"))]);
            let response = Response::builder().header("content-type", "application/json");
            response.header("content-length", 9).body(in_pieces(cut)).unwrap()
        }
        Then::Silence => pending().await,
        Then::Follow => {
            let mut truth = held.0.truth.subscribe();
            let news = truth.wait_for(|truth| truth.last().is_some_and(|m| m.seq.get() > after));
            let _ = tokio::time::timeout(Duration::from_secs(wait.unwrap_or(0).unsigned_abs()), news).await;
            poll(&held.0.truth.borrow(), Some(after))
        }
    }
}

/// What comes after the batches, one batch at a time.
async fn follow(held: &Held, after: i64) -> Vec<Message> {
    let mut truth = held.0.truth.subscribe();
    let truth = truth.wait_for(|truth| truth.last().is_some_and(|m| m.seq.get() > after)).await;
    truth.unwrap().iter().filter(|m| m.seq.get() > after).cloned().collect()
}

async fn events(
    words: mpsc::Sender<Result<Bytes, io::Error>>,
    mut after: i64,
    batches: Option<Vec<Vec<Message>>>,
    then: Then,
    held: Held,
) {
    let render = |batch: &[Message]| {
        let event = |m: &Message| {
            format!("event: message\nid: {}\ndata: {}\n\n", m.seq, serde_json::to_string(m).unwrap())
        };
        Bytes::from(batch.iter().map(event).collect::<String>())
    };
    let Some(batches) = batches else { return words.closed().await };
    let _ = words.send(Ok(Bytes::from_static(b":\n\n"))).await; // whoever hung up hears nothing
    for batch in batches {
        after = batch.iter().map(|m| m.seq.get()).fold(after, i64::max);
        let _ = words.send(Ok(render(&batch))).await;
    }
    match then {
        Then::Silence => words.closed().await,
        Then::Cut => drop(words.send(Err(io::Error::other("cut"))).await),
        Then::End(code) => {
            let problem = serde_json::to_string(&Problem::new(code.code())).unwrap();
            let last = format!("event: {EVENT_END}\ndata: {problem}\n\n");
            let _ = words.send(Ok(last.into())).await;
        }
        Then::Follow => loop {
            let batch = tokio::select! {
                batch = follow(&held, after) => batch,
                () = words.closed() => return,
            };
            after = batch.last().map_or(after, |m| m.seq.get());
            let _ = words.send(Ok(render(&batch))).await;
        },
    }
}

async fn frames(
    mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>,
    mut after: i64,
    batches: Option<Vec<Vec<Message>>>,
    then: Then,
    held: Held,
) {
    let render = |batch: Vec<Message>, cursor: i64| {
        let frame = ServerFrame::Changes { messages: batch, cursor: Seq::new(cursor).unwrap() };
        WsFrame::text(serde_json::to_string(&frame).unwrap())
    };
    let Some(batches) = batches else {
        while let Some(Ok(_)) = socket.next().await {}
        return;
    };
    if batches.is_empty() {
        let _ = socket.send(render(Vec::new(), after)).await; // whoever hung up hears nothing
    }
    for batch in batches {
        after = batch.last().map_or(after, |m| m.seq.get());
        let _ = socket.send(render(batch, after)).await;
    }
    match then {
        Then::Silence => while let Some(Ok(_)) = socket.next().await {},
        Then::Cut => {}
        Then::End(code) => {
            let frame = CloseFrame { code: code.number().into(), reason: code.code().as_str().into() };
            let _ = socket.close(Some(frame)).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
        Then::Follow => loop {
            let batch = tokio::select! {
                batch = follow(&held, after) => batch,
                heard = socket.next() => match heard {
                    Some(Ok(_)) => continue,
                    _ => return,
                },
            };
            after = batch.last().map_or(after, |m| m.seq.get());
            let _ = socket.send(render(batch, after)).await;
        },
    }
}
