//! A load balancer without a memory: no session sticks to a node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// More than the head of any request here.
const MOST_HEAD: usize = 64 << 10;

const NOBODY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// In front of several servers: each request, stream and socket goes to the next one that takes it. It asks both sides
/// to close after each answer, so that a client which keeps its connections alternates all the same.
pub struct Balancer {
    url: String,
    served: Arc<[AtomicUsize]>,
    task: JoinHandle<()>,
}

impl Balancer {
    /// Listens on a free port.
    pub async fn start(nodes: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let nodes: Arc<[String]> = nodes.iter().map(|url| url.trim_start_matches("http://").into()).collect();
        let served: Arc<[AtomicUsize]> = nodes.iter().map(|_| AtomicUsize::new(0)).collect();
        let counts = served.clone();
        let task = tokio::spawn(async move {
            // They end with it.
            let (mut connections, mut next) = (JoinSet::new(), 0);
            while let Ok((client, _)) = listener.accept().await {
                next = (next + 1) % nodes.len();
                connections.spawn(carry(client, next, nodes.clone(), counts.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, served, task }
    }

    /// Where to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests each server has got.
    pub fn served(&self) -> Vec<usize> {
        self.served.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut client: TcpStream,
    first: usize,
    nodes: Arc<[String]>,
    served: Arc<[AtomicUsize]>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > MOST_HEAD || client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    if !bytes[..end].to_ascii_lowercase().windows(10).any(|ten| ten == b"\r\nupgrade:") {
        bytes.splice(end..end, *b"\r\nconnection: close");
    }
    client.set_nodelay(true)?;
    for at in (first..first + nodes.len()).map(|at| at % nodes.len()) {
        let Ok(mut node) = TcpStream::connect(&nodes[at]).await else { continue };
        node.set_nodelay(true)?;
        served[at].fetch_add(1, Ordering::SeqCst);
        node.write_all(&bytes).await?;
        return copy_bidirectional(&mut client, &mut node).await.map(|_| ());
    }
    client.write_all(NOBODY).await
}
