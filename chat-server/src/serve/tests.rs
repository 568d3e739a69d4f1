//! Peers that ask and do not take, over connections that are well otherwise.

use super::{Patience, serve_with};
use crate::app::{App, router};
use crate::auth::{Secret, Tokens, mint};
use crate::hub::{Batching, Bounds, Hub};
use crate::limits::{Allowance, Limits};
use crate::metrics::Access;
use crate::store::{NewMessage, NewRoom, Options, PAGE_BYTES, Store, StoreThreads};
use axum::Router;
use axum::http::Request;
use chat_protocol::{MessageText, TransactionId, UserId};
use h2::client::{ResponseFuture, SendRequest};
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

const DEADLINE: Duration = Duration::from_secs(30);

/// How long an answer may lie in these tests: longer than a busy machine stands still, in which nobody takes anything.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long nothing may be asked.
const IDLE: Duration = PATIENCE;

const HEARTBEAT: Duration = Duration::from_millis(100);

/// A server with one room of a hundred long messages.
struct World {
    address: SocketAddr,
    hub: Hub,
    token: String,
    _folder: TempDir,
    _threads: StoreThreads,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(Bounds::default(), Batching::default(), Arc::default());
        let (store, threads) =
            Store::open(folder.path().join("chat.db"), Options::default(), |_| {}).await.unwrap();
        let (alice, secret) = (UserId::new("alice").unwrap(), Secret::random());
        let room = NewRoom { creator: alice.clone(), title: "t".into(), members: vec![], key: None };
        let room = store.create_room(room).await.unwrap().id;
        let mut sends = JoinSet::new();
        for number in 0..100 {
            let (sender, text) = (alice.clone(), MessageText::new(&"x".repeat(4_000)).unwrap());
            let transaction_id = TransactionId::new(number.to_string()).unwrap();
            let (store, message) = (store.clone(), NewMessage { room, sender, transaction_id, text });
            sends.spawn(async move { store.send(message).await.unwrap() });
        }
        sends.join_all().await;
        let app = App {
            store,
            hub: hub.clone(),
            tokens: Arc::new(Tokens::new(&secret)),
            origins: Arc::default(),
            limits: Arc::default(),
            tls: false,
            metrics: Arc::default(),
            traces: Default::default(),
            metrics_token: None,
            readiness: Arc::default(),
            poll_interval: None,
            max_wait: DEADLINE,
            heartbeat: HEARTBEAT,
            web: true,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (board, limits) = (hub.clone(), Arc::clone(&app.limits));
        tokio::spawn(async move {
            let patience = Patience { answer: PATIENCE, idle: IDLE };
            serve_with(patience, listener, None, router(app), &limits, &board, pending()).await;
        });
        let token = mint(&alice, &secret, Duration::from_secs(600)).unwrap();
        Self { address, hub, token, _folder: folder, _threads: threads }
    }

    async fn listeners(&self, count: usize) {
        let waited = Instant::now();
        while self.hub.listeners() != count {
            assert!(waited.elapsed() < DEADLINE, "{} listen", self.hub.listeners());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A connection of HTTP/2 that answers pings and settings, and opens no more window than it began with.
struct Peer {
    requests: SendRequest<bytes::Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
    token: String,
}

impl Peer {
    async fn new(world: &World, window: u32) -> Self {
        let tcp = TcpStream::connect(world.address).await.unwrap();
        let mut builder = h2::client::Builder::new();
        let (requests, connection) = builder.initial_window_size(window).handshake(tcp).await.unwrap();
        Self { requests, connection: tokio::spawn(connection), token: world.token.clone() }
    }

    async fn ask(&mut self, path: &str) -> ResponseFuture {
        let request = Request::get(format!("http://x/v1/rooms{path}"));
        let request = request.header("authorization", format!("Bearer {}", self.token)).body(()).unwrap();
        let mut requests = self.requests.clone().ready().await.unwrap();
        requests.send_request(request, true).unwrap().0
    }

    /// That the server ends it.
    async fn cut_off(self, what: &str) {
        let Self { requests, connection, .. } = self;
        let ended = timeout(DEADLINE, connection).await;
        assert!(ended.is_ok(), "{what} lies there for ever");
        drop(requests);
    }
}

#[tokio::test]
async fn answers_that_nobody_takes_end_their_connection() {
    let world = World::new().await;
    let mut peers = vec![];
    // With one byte taken, hyper has let go of a short answer: it lies further down.
    for window in [0, 1] {
        for path in ["", "/1/messages?after=0&limit=100", "/1/messages?after=0&wait=20"] {
            let mut peer = Peer::new(&world, window).await;
            let mut answers = vec![];
            for _ in 0..8 {
                answers.push(peer.ask(path).await.await.unwrap());
            }
            peers.push((peer, answers, format!("{path} with a window of {window}")));
        }
    }
    for (peer, _answers, what) in peers {
        peer.cut_off(&what).await;
    }
    world.listeners(0).await;
}

#[tokio::test]
async fn streams_that_nobody_takes_give_back_their_places() {
    let world = World::new().await;
    let mut peers = vec![];
    for window in [0, 1] {
        // One that is far behind, and one that has nothing to hear but heartbeats.
        for path in ["/1/events?after=0", "/1/events?after=100"] {
            let mut peer = Peer::new(&world, window).await;
            let mut streams = vec![];
            for _ in 0..4 {
                streams.push(peer.ask(path).await.await.unwrap());
            }
            peers.push((peer, streams, format!("{path} with a window of {window}")));
        }
    }
    assert_eq!(world.hub.listeners(), 16);
    for (peer, _streams, what) in peers {
        peer.cut_off(&what).await;
    }
    world.listeners(0).await;
}

#[tokio::test]
async fn a_stream_that_is_idle_and_taken_from_lives_on_and_so_do_the_polls_beside_it() {
    let world = World::new().await;
    let mut peer = Peer::new(&world, 1 << 20).await;
    let mut stream = peer.ask("/1/events?after=100").await.await.unwrap().into_body();
    let held = peer.ask("/1/messages?after=100&wait=30").await;
    let began = Instant::now();
    while began.elapsed() < PATIENCE * 2 {
        let heartbeat = timeout(DEADLINE, stream.data()).await.unwrap().expect("an end").unwrap();
        stream.flow_control().release_capacity(heartbeat.len()).unwrap();
        assert_eq!(peer.ask("/1/messages?after=100").await.await.unwrap().status(), 204);
    }
    assert_eq!(world.hub.listeners(), 2);
    drop(held);
}

#[tokio::test]
async fn a_connection_of_http2_on_which_nothing_is_asked_any_more_ends() {
    let world = World::new().await;
    let mut peer = Peer::new(&world, 1 << 20).await;
    let began = Instant::now();
    while began.elapsed() < IDLE / 2 {
        assert_eq!(peer.ask("/1/messages?after=100").await.await.unwrap().status(), 204);
        sleep(Duration::from_millis(100)).await;
    }
    let last = Instant::now();
    peer.cut_off("a connection for nothing").await;
    assert!(last.elapsed() > IDLE / 2, "it may take its time: {:?}", last.elapsed());
}

/// Reads a byte now and then of what it asked for, for longer than anybody's patience; then what is left.
#[cfg(target_os = "linux")]
async fn dribble(world: &World, path: &str) -> usize {
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4 << 10).unwrap();
    // The loopback's own segments are larger than this buffer, and would trickle.
    socket2::SockRef::from(&tcp).set_tcp_mss(536).unwrap();
    let mut tcp = tcp.connect(world.address).await.unwrap();
    let token = &world.token;
    let head = format!("GET /v1/rooms/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    tcp.write_all(head.as_bytes()).await.unwrap();
    let (began, mut read) = (Instant::now(), vec![]);
    while began.elapsed() < PATIENCE * 2 {
        read.push(tcp.read_u8().await.unwrap());
        sleep(Duration::from_millis(50)).await;
    }
    // What the kernels have taken comes still.
    timeout(DEADLINE, tcp.read_to_end(&mut read)).await.expect("it goes on for ever").unwrap();
    read.len()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_reads_a_byte_now_and_then_is_cut_off() {
    let world = World::new().await;
    let (page, stream) =
        tokio::join!(dribble(&world, "1/messages?after=0&limit=100"), dribble(&world, "1/events?after=0"));
    assert!(page < PAGE_BYTES / 10 * 9 && stream < PAGE_BYTES, "{page} {stream}");
    world.listeners(0).await;
}

/// An address of this machine that is not its loopback, which is not limited. Every machine that has brought this
/// project's crates has one.
fn own_address() -> IpAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the kernel only looks up which address it would take.
    socket.connect("192.0.2.1:9").expect("a route to somewhere");
    let address = socket.local_addr().unwrap().ip();
    assert!(!address.is_loopback(), "{address}");
    address
}

/// Whether a new connection is answered, rather than closed.
async fn is_served(connection: &mut TcpStream) -> bool {
    let request = b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = [0; 12];
    connection.write_all(request).await.is_ok()
        && timeout(DEADLINE, connection.read_exact(&mut answer)).await.expect("neither").is_ok()
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_gets_a_place_back() {
    let address = own_address();
    let allowance = Allowance { address_connections: 2, ..Allowance::default() };
    let (limits, hub) = (
        Limits::new(allowance, Access::default()),
        Hub::new(Bounds::default(), Batching::default(), Arc::default()),
    );
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let patience = Patience { answer: PATIENCE, idle: IDLE };
        serve_with(patience, listener, None, Router::new(), &limits, &hub, pending()).await;
    });
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert!(is_served(&mut first).await && is_served(&mut second).await);
    assert!(!is_served(&mut TcpStream::connect(address).await.unwrap()).await);
    drop(first);
    let waited = Instant::now();
    while !is_served(&mut TcpStream::connect(address).await.unwrap()).await {
        assert!(waited.elapsed() < DEADLINE, "its place is lost");
        sleep(Duration::from_millis(5)).await;
    }
    assert!(is_served(&mut second).await);
}
