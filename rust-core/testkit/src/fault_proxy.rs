//! A network that fails on cue: bytes between a client and a real server, held, cut or refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::time::Duration;
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
    /// How often connections were stranded: one older than the last time carries nothing any more, and stays open.
    stranded: usize,
    /// On each way, before each piece.
    delay: Duration,
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
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    held: AtomicUsize,
    requests: AtomicUsize,
    connections: AtomicUsize,
    /// Bytes that may come down yet until the connection that brings the last of them breaks; negative: no bound.
    left: AtomicIsize,
}

impl FaultProxy {
    /// Listens on a free port and carries to `upstream` (`http://host:port`, or `https`, unopened).
    pub async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.split_once("://").unwrap().1.to_owned();
        let well = Mode { carries: Carries::Everything, outages: 0, stranded: 0, delay: Duration::ZERO };
        let mode = watch::Sender::new(well);
        let counts = Arc::new(Counts { left: AtomicIsize::new(-1), ..Counts::default() });
        let task = tokio::spawn(accept(listener, upstream, mode.clone(), counts.clone()));
        Self { url, mode, counts, task }
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
        self.counts.held.load(Ordering::SeqCst)
    }

    /// Pieces of requests that have been handed to the server.
    pub fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// Every connection that is open now is half-open from now on: it carries nothing, and nobody is told.
    pub fn strand(&self) {
        self.mode.send_modify(|mode| mode.stranded += 1);
    }

    /// Breaks one connection after so many further bytes from the server, in the middle of whatever they are.
    pub fn cut_after(&self, bytes: usize) {
        self.counts.left.store(bytes as isize, Ordering::SeqCst);
    }

    /// Everything takes so long on its way, there and back.
    pub fn delay(&self, by: Duration) {
        self.mode.send_modify(|mode| mode.delay = by);
    }

    /// No network: connections break, held answers are lost.
    pub fn go_down(&self) {
        self.mode.send_modify(|mode| {
            mode.carries = Carries::Nothing;
            mode.outages += 1;
        });
    }

    /// Breaks every connection that is open now, with the answers that it holds; the next is carried.
    pub fn cut(&self) {
        self.mode.send_modify(|mode| {
            mode.carries = Carries::Everything;
            mode.outages += 1;
        });
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

async fn accept(listener: TcpListener, upstream: String, mode: watch::Sender<Mode>, counts: Arc<Counts>) {
    while let Ok((client, _)) = listener.accept().await {
        counts.connections.fetch_add(1, Ordering::SeqCst);
        let (mode, counts, upstream) = (mode.subscribe(), counts.clone(), upstream.clone());
        let at = *mode.borrow();
        tokio::spawn(async move {
            let mut down = mode.clone();
            tokio::select! {
                biased;
                _ = down.wait_for(|now| now.carries == Carries::Nothing || now.outages != at.outages) => {}
                _ = carry(client, &upstream, mode, &counts) => {}
            }
        });
    }
}

/// Waits out what the mode does to a piece on its way; never returns for a connection that is half-open.
async fn travel(mode: &mut watch::Receiver<Mode>, stranded: usize) {
    let now = *mode.borrow_and_update();
    if now.stranded != stranded {
        std::future::pending::<()>().await;
    }
    if !now.delay.is_zero() {
        tokio::time::sleep(now.delay).await;
    }
}

async fn carry(
    client: TcpStream,
    upstream: &str,
    mut mode: watch::Receiver<Mode>,
    counts: &Counts,
) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    let (mut client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, mut server_writes) = server.into_split();
    let stranded = mode.borrow().stranded;
    let mut above = mode.clone();
    let up = async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = client_reads.read(&mut buffer).await?;
            travel(&mut above, stranded).await;
            if n == 0 {
                return server_writes.shutdown().await;
            }
            server_writes.write_all(&buffer[..n]).await?;
            counts.requests.fetch_add(1, Ordering::SeqCst);
        }
    };
    let down = async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = server_reads.read(&mut buffer).await?;
            travel(&mut mode, stranded).await;
            if n == 0 {
                return client_writes.shutdown().await;
            }
            if mode.borrow_and_update().carries == Carries::Requests {
                counts.held.fetch_add(1, Ordering::SeqCst);
                let _ = mode.wait_for(|now| now.carries == Carries::Everything).await;
                counts.held.fetch_sub(1, Ordering::SeqCst);
            }
            let left = counts.left.load(Ordering::SeqCst);
            if let Ok(left) = usize::try_from(left)
                && left <= n
            {
                counts.left.store(-1, Ordering::SeqCst);
                client_writes.write_all(&buffer[..left]).await?;
                return Err(std::io::Error::other("cut"));
            }
            counts.left.fetch_sub(if left < 0 { 0 } else { n as isize }, Ordering::SeqCst);
            client_writes.write_all(&buffer[..n]).await?;
        }
    };
    tokio::try_join!(up, down).map(|_| ())
}
