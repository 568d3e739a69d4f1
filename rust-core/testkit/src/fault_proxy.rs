//! A network that fails on cue: bytes between a client and a real server, held, cut or refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mode {
    carries: Carries,
    /// Outages so far: a connection older than the last one is broken, however short that was.
    outages: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carries {
    Everything,
    /// Up only; what comes down is held back.
    Requests,
    Nothing,
}

/// A TCP proxy in front of a server.
pub struct FaultProxy {
    url: String,
    mode: watch::Sender<Mode>,
    held: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Listens on a free port and carries to `upstream` (`http://host:port`).
    pub async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let mode = watch::Sender::new(Mode { carries: Carries::Everything, outages: 0 });
        let (held, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(accept(listener, upstream, mode.clone(), held.clone(), requests.clone()));
        Self { url, mode, held, requests, task }
    }

    /// Where to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on requests arrive and answers do not.
    pub fn hold_answers(&self) {
        self.mode.send_modify(|mode| mode.carries = Carries::Requests);
    }

    /// Answers that are being held: requests the server has already dealt with.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Pieces of requests that have been handed to the server.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// No network: connections break, held answers are lost.
    pub fn go_down(&self) {
        self.mode.send_modify(|mode| *mode = Mode { carries: Carries::Nothing, outages: mode.outages + 1 });
    }

    /// All is well again; what was held arrives.
    pub fn come_back(&self) {
        self.mode.send_modify(|mode| mode.carries = Carries::Everything);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.go_down();
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    upstream: String,
    mode: watch::Sender<Mode>,
    held: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (mode, held, requests, upstream) =
            (mode.subscribe(), held.clone(), requests.clone(), upstream.clone());
        let at = *mode.borrow();
        tokio::spawn(async move {
            let mut down = mode.clone();
            tokio::select! {
                biased;
                _ = down.wait_for(|now| now.carries == Carries::Nothing || now.outages != at.outages) => {}
                _ = carry(client, &upstream, mode, &held, &requests) => {}
            }
        });
    }
}

async fn carry(
    client: TcpStream,
    upstream: &str,
    mut mode: watch::Receiver<Mode>,
    held: &AtomicUsize,
    requests: &AtomicUsize,
) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    let (mut client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, mut server_writes) = server.into_split();
    let up = async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = client_reads.read(&mut buffer).await?;
            if n == 0 {
                return server_writes.shutdown().await;
            }
            server_writes.write_all(&buffer[..n]).await?;
            requests.fetch_add(1, Ordering::SeqCst);
        }
    };
    let down = async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = server_reads.read(&mut buffer).await?;
            if n == 0 {
                return client_writes.shutdown().await;
            }
            if mode.borrow_and_update().carries == Carries::Requests {
                held.fetch_add(1, Ordering::SeqCst);
                let _ = mode.wait_for(|now| now.carries == Carries::Everything).await;
                held.fetch_sub(1, Ordering::SeqCst);
            }
            client_writes.write_all(&buffer[..n]).await?;
        }
    };
    tokio::try_join!(up, down).map(|_| ())
}
