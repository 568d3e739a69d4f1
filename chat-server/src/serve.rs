//! Sockets: accepting, the bounds on every connection, and the drain at the end.
//!
//! HTTP/1.1 and HTTP/2 share the port: over TLS by ALPN, in plain by prior knowledge.

mod answers;
mod connection;

use crate::hub::Hub;
use axum::Router;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take: a few round trips, on the slowest network and with losses.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a new connection may stay silent, or dribble, before its first request is complete.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a kept-alive HTTP/1.1 connection may wait for the next request's head. hyper counts the
/// idle time too. Longer than the 90 s for which reqwest keeps an idle connection, so that the client
/// lets go first and no request is sent into a socket that we are closing.
const HEADER_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a silent HTTP/2 connection is asked whether anybody is there.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// Requests under way at once on one HTTP/2 connection. A phone with 30 rooms open has a stream in each, and
/// asks and sends beside it. Each may have a page waiting for its reader ([`crate::store::PAGE_BYTES`]), so this
/// bounds what one connection costs, at 16 MiB. RFC 9113, 5.1.2 would like to see 100; the next one waits.
const HTTP2_STREAMS: u32 = 64;

/// Room for the head of a request, and for what waits to be written: per HTTP/1.1 connection, and per HTTP/2
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
const PATIENCE: Duration = Duration::from_secs(60);

/// Open connections. Beyond it newcomers wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 20_000;

/// How long requests under way may take to finish after the signal to stop. Well below the 10 s that
/// Docker and the 30 s that Kubernetes leave before they kill.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after `accept` fails for want of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A connection's place among [`MAX_CONNECTIONS`]. Every request brings it along, for whoever takes the
/// connection over: the drain waits until it is given back.
#[derive(Clone)]
pub(crate) struct Place(#[allow(dead_code)] Arc<OwnedSemaphorePermit>);

/// Serves `router` until `stop` completes, then drains: idle connections are closed at once, who listens
/// to `hub` is sent away, requests under way get `DRAIN_TIMEOUT`.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    hub: &Hub,
    stop: impl Future<Output = ()>,
) {
    serve_with(PATIENCE, listener, tls, router, hub, stop).await;
}

async fn serve_with(
    patience: Duration,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    hub: &Hub,
    stop: impl Future<Output = ()>,
) {
    let (tell, stopping) = watch::channel(false);
    let server = connection::Server { router, tls, patience, stopping };
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = set_up(&stream) {
                        tracing::debug!(%error, "a socket option is refused");
                    }
                    tokio::spawn(connection::serve(stream, server.clone(), Place(Arc::new(permit))));
                }
                Err(error) => accept_failed(&error).await,
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener); // newcomers are refused from here on, so a proxy goes elsewhere
    tracing::info!(connections = MAX_CONNECTIONS - room.available_permits(), "stopping");
    // The connections hear of it first: what the hub then lets go is the last answer of each.
    tell.send_replace(true);
    hub.close();
    // Each gives back its place when it is done. Never closed, so this cannot fail.
    let drained = room.acquire_many(MAX_CONNECTIONS as u32);
    if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!("requests were still under way and are cut off");
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
