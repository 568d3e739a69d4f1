//! Counts the bytes between a client and the server, above TLS, and the polls among them.
//!
//! Over TLS the proxy ends the encryption and passes on what was inside, so what is counted is what HTTP/1.1 or HTTP/2
//! itself puts on the wire. A poll is counted by its answer's head: the blank line that ends it, or its HEADERS frame.

use anyhow::Result;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// What has passed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passed {
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) answers: u64,
}

#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    answers: AtomicU64,
}

/// See the module's documentation. Ends when dropped.
pub(crate) struct Proxy {
    /// Where to connect.
    pub(crate) url: String,
    counts: Arc<Counts>,
    _runtime: Runtime,
}

impl Proxy {
    /// In front of `server`; speaks TLS, with a certificate that it writes to `certificate`, if that is given.
    pub(crate) fn start(server: SocketAddr, certificate: Option<&Path>) -> Result<Self> {
        let tls = certificate.map(acceptor).transpose()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        let url = if tls.is_some() {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        };
        let counts = Arc::<Counts>::default();
        runtime.spawn(accept(listener, server, tls, counts.clone()));
        Ok(Self { url, counts, _runtime: runtime })
    }

    /// What has passed so far.
    pub(crate) fn passed(&self) -> Passed {
        let get = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Passed { up: get(&self.counts.up), down: get(&self.counts.down), answers: get(&self.counts.answers) }
    }
}

fn acceptor(certificate: &Path) -> Result<TlsAcceptor> {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    std::fs::write(certificate, own.cert.der())?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, server: SocketAddr, tls: Option<TlsAcceptor>, counts: Arc<Counts>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, server, tls.clone(), counts.clone()));
    }
}

async fn carry(
    client: TcpStream,
    server: SocketAddr,
    tls: Option<TlsAcceptor>,
    counts: Arc<Counts>,
) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (server_reads, server_writes) = server.into_split();
    match tls {
        None => {
            let (client_reads, client_writes) = client.into_split();
            tokio::spawn(up(client_reads, server_writes, counts.clone()));
            down(server_reads, client_writes, counts, Heads::Blank(0)).await
        }
        Some(tls) => {
            let (client_reads, client_writes) = tokio::io::split(tls.accept(client).await?);
            tokio::spawn(up(client_reads, server_writes, counts.clone()));
            down(server_reads, client_writes, counts, Heads::Frames { head: Vec::new(), skip: 0 }).await
        }
    }
}

async fn up(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    counts: Arc<Counts>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        counts.up.fetch_add(read as u64, Ordering::SeqCst);
        to.write_all(&buffer[..read]).await?;
    }
}

async fn down(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    counts: Arc<Counts>,
    mut heads: Heads,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        counts.down.fetch_add(read as u64, Ordering::SeqCst);
        counts.answers.fetch_add(heads.count(&buffer[..read]), Ordering::SeqCst);
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
    }
}

/// Finds the heads of answers in a stream of bytes.
enum Heads {
    /// HTTP/1.1: how much of `\r\n\r\n` has been seen. An empty poll's answer is nothing but a head.
    Blank(usize),
    /// HTTP/2: the 9 bytes that begin a frame (RFC 9113, 4.1), and what is left of the frame before.
    Frames { head: Vec<u8>, skip: usize },
}

impl Heads {
    fn count(&mut self, bytes: &[u8]) -> u64 {
        const HEADERS: u8 = 1;
        let mut found = 0;
        for &byte in bytes {
            match self {
                Heads::Blank(seen) => {
                    *seen = match (byte, *seen) {
                        (b'\r', 0 | 2) | (b'\n', 1 | 3) => *seen + 1,
                        (b'\r', _) => 1,
                        _ => 0,
                    };
                    if *seen == 4 {
                        found += 1;
                        *seen = 0;
                    }
                }
                Heads::Frames { skip, .. } if *skip > 0 => *skip -= 1,
                Heads::Frames { head, skip } => {
                    head.push(byte);
                    if head.len() == 9 {
                        *skip = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
                        found += u64::from(head[3] == HEADERS);
                        head.clear();
                    }
                }
            }
        }
        found
    }
}
