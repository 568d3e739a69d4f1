//! One connection, from its first byte to its last.
//!
//! Which HTTP it speaks is known before hyper sees it: over TLS by ALPN, in plain by a look at the first
//! bytes, which stay in the kernel. hyper-util would look by reading, and hand what it has read to hyper,
//! whose read buffer is twice as large for good then: 8 KiB of every connection that is held open.

use super::answers::{Answer, Answers};
use super::{
    BUFFER_BYTES, FIRST_REQUEST_TIMEOUT, HANDSHAKE_TIMEOUT, HEAD_BYTES, HEADER_TIMEOUT, HTTP2_PING_INTERVAL,
    HTTP2_RESETS, HTTP2_STREAMS, Patience, Place,
};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

/// With which a client that knows beforehand begins HTTP/2 (RFC 9113, 3.4). No method of HTTP/1.1 begins
/// like it.
const PREFACE: &[u8] = b"PRI";

/// How long a peer has to say that it has heard of the end, or to finish a head that it had begun: some round trips.
const FAREWELL: Duration = Duration::from_secs(1);

/// What every connection is given.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) patience: Patience,
    /// Becomes true when the server stops.
    pub(super) stopping: watch::Receiver<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

/// Serves `stream` until either side is done with it.
pub(super) async fn serve(stream: TcpStream, server: Server, place: Place) {
    let deadline = Instant::now() + FIRST_REQUEST_TIMEOUT;
    // Boxed, all but the plain HTTP/1.1: a connection takes as much memory as its largest way.
    if server.tls.is_some() {
        return Box::pin(encrypted(stream, server, place)).await;
    }
    let mut stopping = server.stopping.clone();
    let version = tokio::select! {
        version = timeout(FIRST_REQUEST_TIMEOUT, sniff(&stream)) => version,
        () = stopped(&mut stopping) => return,
    };
    match version {
        Ok(Ok(Version::Http1)) => serve_http1(stream, server, place, deadline).await,
        Ok(Ok(Version::Http2)) => Box::pin(serve_http2(stream, server, place, deadline)).await,
        Ok(Err(error)) => tracing::debug!(%error, "connection ended"),
        Err(_) => tracing::debug!("connection closed: no request came"),
    }
}

async fn encrypted(stream: TcpStream, server: Server, place: Place) {
    let Some(tls) = &server.tls else { return };
    let mut stopping = server.stopping.clone();
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => handshake,
        () = stopped(&mut stopping) => return,
    };
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS"),
        Err(_) => return tracing::debug!("connection closed: the TLS handshake took too long"),
    };
    let deadline = Instant::now() + FIRST_REQUEST_TIMEOUT;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => serve_http2(stream, server, place, deadline).await,
        _ => serve_http1(stream, server, place, deadline).await,
    }
}

/// Looks at the first bytes without taking them.
async fn sniff(stream: &TcpStream) -> io::Result<Version> {
    let mut first = [0; PREFACE.len()];
    // Should fewer than these come alone, HTTP/1.1 will say what is wrong with them.
    let seen = stream.peek(&mut first).await?;
    Ok(if first[..seen] == *PREFACE { Version::Http2 } else { Version::Http1 })
}

async fn serve_http1<S>(stream: S, server: Server, place: Place, deadline: Instant)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // hyper looks itself for how long it is idle.
    let watch = Watch { idle: None, ..Watch::new(&server, deadline) };
    let service = service(&server, place, &watch);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .max_header_size(HEAD_BYTES);
    let connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    drive(connection, http1::UpgradeableConnection::graceful_shutdown, server.stopping, watch).await;
}

async fn serve_http2<S>(stream: S, server: Server, place: Place, deadline: Instant)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let watch = Watch::new(&server, deadline);
    let service = service(&server, place, &watch);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .max_pending_accept_reset_streams(HTTP2_RESETS)
        .max_send_buf_size(BUFFER_BYTES);
    let connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    drive(connection, http2::Connection::graceful_shutdown, server.stopping, watch).await;
}

/// What is noted of a connection while hyper serves it.
struct Watch {
    requests: Arc<Requests>,
    /// Until when one has to come.
    deadline: Instant,
    answers: Answers,
    /// How long an answer may lie there.
    patience: Duration,
    /// How long nothing may be asked.
    idle: Option<Duration>,
}

/// What was asked on a connection.
#[derive(Default)]
struct Requests {
    /// In all.
    count: AtomicUsize,
    /// Whose answers have not begun.
    under_way: AtomicUsize,
}

/// One that is under way.
struct UnderWay(Arc<Requests>);

impl UnderWay {
    fn new(requests: &Arc<Requests>) -> Self {
        requests.count.fetch_add(1, Ordering::Relaxed);
        requests.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(requests))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Watch {
    fn new(server: &Server, deadline: Instant) -> Self {
        let (requests, answers) = Default::default();
        let Patience { answer: patience, idle } = server.patience;
        Self { requests, deadline, answers, patience, idle: Some(idle) }
    }

    async fn silent(&self) {
        sleep_until(self.deadline).await;
        if self.spoke() {
            std::future::pending::<()>().await;
        }
    }

    fn spoke(&self) -> bool {
        self.asked() > 0
    }

    fn asked(&self) -> usize {
        self.requests.count.load(Ordering::Relaxed)
    }

    /// Returns when nothing was asked, and nothing was left of what was, for as long as may be or a quarter longer. Pings
    /// are no reason to stay: whoever has nothing to ask has a place of somebody who has.
    async fn idle(&self) {
        let Some(patience) = self.idle else { return std::future::pending().await };
        let (mut since, mut asked) = (Instant::now(), 0);
        while since.elapsed() < patience {
            sleep(patience / 4).await;
            if self.asked() != asked || !self.quiet() {
                (since, asked) = (Instant::now(), self.asked());
            }
        }
    }

    /// Returns when nothing has been asked that is not answered, [`FAREWELL`] after whatever was.
    async fn nothing_left(&self) {
        let mut quiet = false;
        while !quiet {
            quiet = self.quiet();
            sleep(FAREWELL).await;
            quiet &= self.quiet();
        }
    }

    fn quiet(&self) -> bool {
        self.requests.under_way.load(Ordering::Relaxed) == 0 && self.answers.are_taken()
    }
}

/// The routes, and the notes.
fn service(
    server: &Server,
    place: Place,
    watch: &Watch,
) -> impl HttpService<Incoming, ResBody = Answer, Error = Infallible, Future: Send> + use<> {
    let app = TowerToHyperService::new(server.router.clone());
    let (requests, answers) = (Arc::clone(&watch.requests), watch.answers.clone());
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(place.clone());
        let under_way = UnderWay::new(&requests);
        let (response, answers) = (app.call(request), answers.clone());
        async move {
            let response = response.await.map(|response| answers.watch(response));
            drop(under_way); // from here on the answer counts
            response
        }
    })
}

/// Until the connection ends by itself, has said nothing in time or takes nothing for too long, or is done
/// after the server began to stop.
async fn drive<C>(
    mut connection: Pin<&mut C>,
    shut_down: fn(Pin<&mut C>),
    mut stopping: watch::Receiver<bool>,
    watch: Watch,
) where
    C: Future<Output = hyper::Result<()>>,
{
    let ended = tokio::select! {
        // First, so that the answer to a request in flight says that it is the last.
        biased;
        () = stopped(&mut stopping) => {
            if !watch.spoke() {
                return; // nothing has been asked for
            }
            shut_down(connection.as_mut());
            // A peer of HTTP/2 that no longer answers would hold the end up.
            tokio::select! {
                ended = connection => ended,
                () = watch.nothing_left() => return,
            }
        }
        // As at the end, since something may be asked at this moment.
        () = watch.idle() => {
            shut_down(connection.as_mut());
            tokio::select! {
                ended = connection => ended,
                () = watch.nothing_left() => return tracing::debug!("connection closed: nothing is asked any more"),
            }
        }
        // Before the connection, which would take another piece.
        () = watch.answers.left_lying(watch.patience) => {
            return tracing::debug!("connection cut off: nobody takes an answer");
        }
        ended = connection.as_mut() => ended,
        () = watch.silent() => return tracing::debug!("connection closed: no request came"),
    };
    // How a connection ends is the client's affair: it hangs up, loses its network, is too slow.
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error: whoever would say so is gone, which says the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
