//! A real HTTP server that says what the test wants, faults included.

use bytes::Bytes;
use chat_protocol::{ErrorCode, PROBLEM_CONTENT_TYPE, Problem};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// With the query.
    pub path: String,
    /// Header names in lower case.
    pub headers: HashMap<String, String>,
    /// What was sent.
    pub body: String,
    /// The protocol it came by.
    pub version: Version,
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Announces the whole body and breaks off half-way.
    Truncated,
    /// Never answers.
    Silence,
    /// Sends the body in twenty pieces with a pause before each.
    Trickled(Duration),
}

impl Reply {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), fault: Fault::None }
    }

    /// `200` with JSON.
    pub fn json(value: &impl serde::Serialize) -> Self {
        Self::body(200, "application/json", serde_json::to_vec(value).unwrap())
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A problem of the protocol's.
    pub fn problem(code: ErrorCode) -> Self {
        let problem = Problem::new(code);
        Self::body(problem.status, PROBLEM_CONTENT_TYPE, serde_json::to_vec(&problem).unwrap())
    }

    /// A body of any kind.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::status(status) }.header("content-type", content_type)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Breaks off in the middle of the body.
    #[must_use]
    pub fn truncated(mut self) -> Self {
        self.fault = Fault::Truncated;
        self
    }

    /// Sends the body in twenty pieces, with a pause before each.
    #[must_use]
    pub fn trickled(mut self, pause: Duration) -> Self {
        self.fault = Fault::Trickled(pause);
        self
    }

    /// No answer at all, the connection stays open.
    pub fn silence() -> Self {
        Self { fault: Fault::Silence, ..Self::status(200) }
    }
}

type Script = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

/// See the module's documentation. Ends when dropped.
pub struct ScriptedServer {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    script: Script,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    dropped: AtomicUsize,
}

impl ScriptedServer {
    /// Answers every request as `script` says. A script that panics answers nothing, which a test cannot miss.
    pub async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::launch(Box::new(script), None).await
    }

    /// The same over TLS, offering HTTP/2 and HTTP/1.1. The second value is the certificate, in DER.
    pub async fn start_tls(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Self, Vec<u8>) {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let der = certified.cert.der().to_vec();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let mut config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certified.cert.der().clone()], key.into())
                .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        (Self::launch(Box::new(script), Some(TlsAcceptor::from(Arc::new(config)))).await, der)
    }

    async fn launch(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = if tls.is_some() {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        };
        let shared = Arc::new(Shared {
            script,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, tls, shared.clone()));
        Self { url, shared, task }
    }

    /// Where to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many requests there have been.
    pub fn count(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The most requests that were being answered at one moment.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// Requests being answered now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Requests whose client went away before the answer.
    pub fn dropped(&self) -> usize {
        self.shared.dropped.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, shared.clone()));
            let builder = Builder::new(TokioExecutor::new());
            // Connections that end badly are what half of these tests are about.
            match tls {
                None => drop(builder.serve_connection(TokioIo::new(stream), service).await),
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        drop(builder.serve_connection(TokioIo::new(stream), service).await);
                    }
                }
            }
        });
    }
}

/// Counts a request as open while it lives.
struct Open {
    shared: Arc<Shared>,
    answered: bool,
}

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        let now = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_open.fetch_max(now, Ordering::SeqCst);
        Self { shared, answered: false }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::SeqCst);
        if !self.answered {
            self.shared.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<BoxBody<Bytes, io::Error>>, hyper::Error> {
    let mut open = Open::new(shared.clone());
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let headers =
        head.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap_or("").to_owned())).collect();
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        version: head.version,
    };
    let reply = (shared.script)(&request);
    shared.requests.lock().unwrap().push(request);
    if reply.fault == Fault::Silence {
        pending::<()>().await;
    }
    open.answered = true;
    Ok(respond(&reply))
}

fn respond(reply: &Reply) -> Response<BoxBody<Bytes, io::Error>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let whole = reply.body.len();
    let mut pieces = vec![Ok(Frame::data(reply.body.clone()))];
    let mut pause = Duration::ZERO;
    match reply.fault {
        Fault::Truncated => {
            pieces = vec![Ok(Frame::data(reply.body.slice(..whole / 2))), Err(io::Error::other("cut"))];
            response = response.header("content-length", whole);
        }
        Fault::Trickled(before_each) => {
            let piece = whole / 20 + 1;
            let ends = (0..whole).step_by(piece).map(|at| reply.body.slice(at..whole.min(at + piece)));
            pieces = ends.map(|bytes| Ok(Frame::data(bytes))).collect();
            pause = before_each;
        }
        Fault::None | Fault::Silence => {}
    }
    let empty = http_body_util::Empty::new().map_err(|never: Infallible| match never {}).boxed();
    let body = if whole == 0 { empty } else { StreamBody::new(Pieces::new(pieces, pause)).boxed() };
    response.body(body).unwrap()
}

/// A body in pieces, as a stream.
struct Pieces {
    pieces: std::vec::IntoIter<Result<Frame<Bytes>, io::Error>>,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Pieces {
    fn new(pieces: Vec<Result<Frame<Bytes>, io::Error>>, pause: Duration) -> Self {
        Self { pieces: pieces.into_iter(), pause, timer: Box::pin(sleep(pause)) }
    }
}

impl futures_core::Stream for Pieces {
    type Item = Result<Frame<Bytes>, io::Error>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.pause.is_zero() {
            std::task::ready!(self.timer.as_mut().poll(cx));
            self.timer = Box::pin(sleep(self.pause));
        }
        Poll::Ready(self.pieces.next())
    }
}
