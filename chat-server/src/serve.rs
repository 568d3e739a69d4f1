//! Sockets: accepting, the bounds on every connection, and the drain at the end.
//!
//! HTTP/1.1 and HTTP/2 share the port: over TLS by ALPN, in plain by prior knowledge.

mod answers;
mod connection;

use crate::hub::Hub;
use crate::limits::{Allowance, Entry, Limits, Network};
use crate::metrics::Access;
use axum::Router;
use prometheus_client::metrics::gauge::Gauge;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take: a few round trips, on the slowest network and with losses.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a new connection may stay silent, or dribble, before its first request is complete.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a kept-alive HTTP/1.1 connection may wait for the next request's head, hyper counting the idle time too; and
/// how long an HTTP/2 connection may be there for nothing. Longer than the 90 s for which reqwest keeps an idle connection,
/// so that the client lets go first and no request is sent into a socket that we are closing.
const HEADER_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a silent HTTP/2 connection is asked whether anybody is there.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// Requests under way at once on one HTTP/2 connection. A phone with 30 rooms open has a stream in each, and
/// asks and sends beside it. Each may have a page waiting for its reader ([`crate::store::PAGE_BYTES`]), so this
/// bounds what one connection costs, at 16 MiB. RFC 9113, 5.1.2 would like to see 100; the next one waits.
const HTTP2_STREAMS: u32 = 64;

/// The head of a request: a token with many claims has some kilobytes, and all the rest is small. What is beyond
/// is answered `431`. As many headers as hyper takes by itself, a hundred, are more than anybody sends.
const HEAD_BYTES: usize = 16 << 10;

/// Streams of HTTP/2 that a peer may open and take back before we look at them ("rapid reset", CVE-2023-44487): as
/// many as it may have at once, which an app takes back that is left at that moment. With more the connection ends.
const HTTP2_RESETS: usize = HTTP2_STREAMS as usize;

/// Room for what is read, and for what waits to be written: per HTTP/1.1 connection, and per HTTP/2
/// stream.
const BUFFER_BYTES: usize = 64 << 10;

/// How long a peer's kernel may take nothing of what is sent to it. A heartbeat finds out who has vanished, and a
/// stream that was ended for its slowness is gone in the end, read or not.
#[cfg(target_os = "linux")]
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// What the kernel may keep of it beyond what is on its way: left alone it takes 4 MB for each peer that
/// does not read, and nobody is seen to be slow before that.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 64 << 10;

/// How long an answer may lie there before its connection ends. More than the 50 s between a stream's
/// heartbeats at the most (`cli`), since that is how often an idle one is taken from; and what clients
/// themselves take for death. A connection with five answers under way that makes 1.4 KB/s is in time.
const PATIENCE: Patience = Patience { answer: Duration::from_secs(60), idle: HEADER_TIMEOUT };

/// What is waited for, and how long.
#[derive(Clone, Copy)]
struct Patience {
    /// For an answer to be taken.
    answer: Duration,
    /// For another request, on a connection of HTTP/2 on which none is left.
    idle: Duration,
}

/// Connections of those who watch: a few of Prometheus', a balancer's and a scheduler's for each node of theirs.
const WATCHERS: u32 = 64;

/// Pause after `accept` fails for want of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A connection's place among all, and among those of its address. Every request brings it along, for whoever takes the
/// connection over: the drain waits until it is given back.
#[derive(Clone)]
pub(crate) struct Place {
    /// The connection's other end.
    pub(crate) peer: IpAddr,
    _held: Arc<(OwnedSemaphorePermit, Entry<Network>, Open)>,
}

/// Counts a connection while it is there.
struct Open(Gauge);

impl Open {
    fn new(connections: &Gauge) -> Self {
        connections.inc();
        Self(connections.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Serves `router` until `stop` completes, then drains: idle connections are closed at once, who listens
/// to `hub` is sent away, requests under way are finished. Dropped, it cuts off what is left with its runtime.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: &Limits,
    hub: &Hub,
    stop: impl Future<Output = ()>,
) {
    serve_with(PATIENCE, listener, tls, router, limits, hub, stop).await;
}

/// Serves `router` to who watches, until dropped: with the same timeouts as everybody, and few at once.
pub async fn serve_watchers(listener: TcpListener, router: Router) {
    // Held: without it the connections would take the server for one that stops.
    let (_tell, stopping) = watch::channel(false);
    let server = connection::Server { router, tls: None, patience: PATIENCE, stopping };
    let allowance = Allowance { connections: WATCHERS, address_connections: 0, ..Allowance::default() };
    let limits = Limits::new(allowance, Access::default());
    accept(&listener, &server, &Arc::new(Semaphore::new(WATCHERS as usize)), &limits, &Gauge::default())
        .await;
}

async fn serve_with(
    patience: Patience,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: &Limits,
    hub: &Hub,
    stop: impl Future<Output = ()>,
) {
    let (tell, stopping) = watch::channel(false);
    let server = connection::Server { router, tls, patience, stopping };
    // Beyond it newcomers wait in the kernel's backlog.
    let most = limits.most_connections();
    let room = Arc::new(Semaphore::new(most as usize));
    tokio::select! {
        () = accept(&listener, &server, &room, limits, &hub.metrics().http.connections) => {}
        () = stop => {}
    }
    drop(listener); // newcomers are refused from here on, so a proxy goes elsewhere
    tracing::info!(connections = most as usize - room.available_permits(), "stopping");
    // The connections hear of it first: what the hub then lets go is the last answer of each.
    tell.send_replace(true);
    hub.close();
    // Each gives back its place when it is done. Never closed, so this cannot fail.
    let _ = room.acquire_many(most).await;
}

/// Takes connections for as long as it is polled, as many at once as there are places in the `room`.
async fn accept(
    listener: &TcpListener,
    server: &connection::Server,
    room: &Arc<Semaphore>,
    limits: &Limits,
    connections: &Gauge,
) {
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(entry) = limits.connect(peer.ip()) else {
                    tracing::debug!("connection closed: its address has too many");
                    continue;
                };
                if let Err(error) = set_up(&stream) {
                    tracing::debug!(%error, "a socket option is refused");
                }
                let held = Arc::new((permit, entry, Open::new(connections)));
                let place = Place { peer: peer.ip(), _held: held };
                tokio::spawn(connection::serve(stream, server.clone(), place));
            }
            Err(error) => accept_failed(&error).await,
        }
    }
}

/// A connection that its peer gave up before we took it is nobody's concern; anything else means
/// that the process has run out of something.
async fn accept_failed(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    // Answers are written whole: waiting for more to send would only delay them (Nagle).
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(stream);
        socket.set_tcp_user_timeout(Some(GIVE_UP_AFTER))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
