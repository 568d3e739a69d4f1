//! Listeners by the thousand, on as little CPU as possible: bare sockets of one thread, that read, look for marks and
//! answer what keeps the connection alive. Each keeps book of the messages it has heard, so that one lost or doubled
//! is known.

use super::carrier::Carrier;
use super::frames::{Frame, Frames, masked};
use super::line::Line;
use super::mark::Scanner;
use super::subject::{Subject, token, wait_until};
use anyhow::{Context as _, Result, bail, ensure};
use chat_engine::protocol::JITTER;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::task::ready;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connecting at once. More would overflow the server's backlog, which costs a second each.
const CONNECTING: usize = 64;

/// Nothing that is measured takes this long; a hang must not.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// Between two plain polls of an idle phone, somewhere in the middle of the engine's cadence.
const POLL: Duration = Duration::from_secs(10);

/// One listener in so many tells latencies: enough of them, and the clock is not asked for each delivery.
const SAMPLE: usize = 10;

/// The time since the run began, as marks have it.
pub(crate) fn now() -> Duration {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}

/// What all listeners of an audience have heard.
#[derive(Default)]
pub(crate) struct Tally {
    ready: Cell<usize>,
    /// Deliveries, each message once per listener.
    pub(crate) heard: Cell<usize>,
    /// Deliveries of what that listener had already.
    pub(crate) doubled: Cell<usize>,
    /// Bytes from the server.
    pub(crate) bytes: Cell<usize>,
    /// Long polls, each with when it was asked.
    pub(crate) asked: RefCell<Vec<Duration>>,
    /// From writing a message to hearing it, in milliseconds, of a sample.
    pub(crate) latencies: RefCell<Vec<f64>>,
    /// Connections that ended.
    pub(crate) ended: Cell<usize>,
    /// The first thing that went wrong.
    trouble: RefCell<Option<anyhow::Error>>,
}

/// See the module's documentation. Hangs up when dropped.
pub(crate) struct Audience {
    carrier: Carrier,
    address: SocketAddr,
    /// Whether a long poll waits as long as the server asks it to.
    pub(crate) keeps_jitter: bool,
    gate: Rc<Semaphore>,
    tally: Rc<Tally>,
    tasks: JoinSet<()>,
}

/// Adds to a counter.
fn add(counter: &Cell<usize>, more: usize) {
    counter.set(counter.get() + more);
}

impl Audience {
    pub(crate) fn new(subject: &Subject, carrier: Carrier) -> Self {
        Self {
            carrier,
            address: subject.address,
            keeps_jitter: true,
            gate: Rc::new(Semaphore::new(CONNECTING)),
            tally: Rc::default(),
            tasks: JoinSet::new(),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Each user takes a seat in the room; returns when all listen.
    pub(crate) async fn seat(&mut self, room: i64, users: &[String]) -> Result<()> {
        for user in users {
            let number = self.tasks.len();
            let listener = Listener {
                carrier: self.carrier,
                room,
                token: token(user)?,
                keeps_jitter: self.keeps_jitter,
                ear: Ear { sampled: number.is_multiple_of(SAMPLE), ..Ear::default() },
                tally: self.tally.clone(),
            };
            let (address, gate, tally) = (self.address, self.gate.clone(), self.tally.clone());
            self.tasks.spawn_local(async move {
                let outcome = listener.run(address, &gate).await;
                add(&tally.ended, 1);
                if let Err(error) = outcome {
                    tally.trouble.borrow_mut().get_or_insert(error);
                }
            });
        }
        let (all, tally) = (self.tasks.len(), self.tally.clone());
        let seated = wait_until(DEADLINE, || tally.ready.get() >= all || tally.ended.get() > 0).await;
        self.sound()?;
        ensure!(seated && tally.ready.get() >= all, "{} of {all} listen", tally.ready.get());
        Ok(())
    }

    /// Waits until every listener has heard `messages` in all, each once.
    pub(crate) async fn heard(&self, messages: usize) -> Result<()> {
        let (expected, tally) = (messages * self.tasks.len(), &self.tally);
        let all = wait_until(DEADLINE, || tally.heard.get() >= expected || tally.ended.get() > 0).await;
        self.sound()?;
        let (heard, doubled) = (tally.heard.get(), tally.doubled.get());
        ensure!(all && heard == expected, "lost: {heard} of {expected} deliveries");
        ensure!(doubled == 0, "{doubled} deliveries were doubled");
        Ok(())
    }

    /// Fails with what went wrong, if anything did.
    fn sound(&self) -> Result<()> {
        match self.tally.trouble.take() {
            Some(error) => Err(error.context(format!("a listener by {}", self.carrier.name()))),
            None => Ok(()),
        }
    }
}

/// What one listener remembers.
#[derive(Default)]
struct Ear {
    scanner: Scanner,
    frames: Frames,
    /// A bit per message heard.
    seen: Vec<u64>,
    sampled: bool,
    /// What the connection wants to be answered.
    reply: Vec<u8>,
    closed: Option<u16>,
}

impl Ear {
    fn hear(&mut self, bytes: &[u8], framed: bool, tally: &Tally) {
        add(&tally.bytes, bytes.len());
        let (seen, sampled) = (&mut self.seen, self.sampled);
        self.scanner.scan(bytes, |mark| {
            let (word, bit) = (mark.number / 64, 1 << (mark.number % 64));
            if seen.len() <= word {
                seen.resize(word + 1, 0);
            }
            add(if seen[word] & bit == 0 { &tally.heard } else { &tally.doubled }, 1);
            seen[word] |= bit;
            if sampled {
                tally.latencies.borrow_mut().push((now().saturating_sub(mark.at)).as_secs_f64() * 1e3);
            }
        });
        if framed {
            let (reply, closed) = (&mut self.reply, &mut self.closed);
            self.frames.walk(bytes, |frame| match frame {
                Frame::Ping(payload) => reply.extend(masked(0xa, &payload)),
                Frame::One(b'2') => reply.extend(masked(0x1, b"3")),
                Frame::One(_) => {}
                Frame::Close(code) => *closed = Some(code),
            });
        }
    }
}

struct Listener {
    carrier: Carrier,
    room: i64,
    token: String,
    keeps_jitter: bool,
    ear: Ear,
    tally: Rc<Tally>,
}

impl Listener {
    /// Until the server ends it.
    async fn run(self, address: SocketAddr, gate: &Semaphore) -> Result<()> {
        let permit = gate.acquire().await?;
        let line = Line::connect(address).await?;
        match self.carrier {
            Carrier::LongPoll | Carrier::Polling => {
                drop(permit);
                add(&self.tally.ready, 1);
                self.ask_on(line).await
            }
            _ => {
                let request = self.carrier.request(self.room, &self.token, 0);
                let (head, rest, stream) = line.into_stream(request.as_bytes()).await?;
                drop(permit);
                self.follow(&head, &rest, stream).await
            }
        }
    }

    async fn follow(mut self, head: &str, rest: &[u8], mut stream: TcpStream) -> Result<()> {
        let framed = self.carrier.is_framed();
        let expected = if framed { "HTTP/1.1 101" } else { "HTTP/1.1 200" };
        ensure!(head.starts_with(expected), "refused: {head}");
        match self.carrier {
            // Into the namespace `/`, and so into the room.
            Carrier::SocketIo => stream.write_all(&masked(0x1, b"40")).await?,
            _ => add(&self.tally.ready, 1),
        }
        self.ear.hear(rest, framed, &self.tally);
        let mut waits = self.carrier == Carrier::SocketIo;
        loop {
            let (ear, tally) = (&mut self.ear, &self.tally);
            let read = read(&mut stream, |bytes| {
                if waits && memchr::memmem::find(bytes, br#"40{"sid""#).is_some() {
                    waits = false;
                    add(&tally.ready, 1);
                }
                ear.hear(bytes, framed, tally);
            });
            if read.await? == 0 {
                bail!("the server hung up, close code {:?}", self.ear.closed);
            }
            if !self.ear.reply.is_empty() {
                stream.write_all(&std::mem::take(&mut self.ear.reply)).await?;
            }
        }
    }

    async fn ask_on(mut self, mut line: Line) -> Result<()> {
        let mut cursor = 0;
        loop {
            let request = self.carrier.request(self.room, &self.token, cursor);
            self.tally.asked.borrow_mut().push(now());
            let answer = line.ask(request.as_bytes()).await?;
            add(&self.tally.bytes, answer.bytes - answer.body.len());
            self.ear.hear(&answer.body, false, &self.tally);
            match answer.status {
                200 => cursor = end_of_page(&answer.body).context("a page without a cursor")?,
                204 => {}
                status => bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
            }
            if self.carrier == Carrier::Polling {
                tokio::time::sleep(POLL).await;
            }
            let jitter = answer.header(JITTER).and_then(|ms| ms.parse::<u64>().ok());
            if let (true, Some(jitter)) = (self.keeps_jitter, jitter) {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..=jitter))).await;
            }
        }
    }
}

/// The cursor of a page, which stands behind its messages.
fn end_of_page(body: &[u8]) -> Option<i64> {
    let name = br#""cursor":"#;
    let at = memchr::memmem::rfind(body, name)? + name.len();
    let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&body[at..at + digits]).ok()?.parse().ok()
}

thread_local! {
    /// All listeners read into this one, so that ten thousand of them fit into the cache.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// Reads what is there, at least a byte, and hands it to `take` in place. Returns how much it was, 0 at the end.
async fn read(stream: &mut TcpStream, mut take: impl FnMut(&[u8])) -> Result<usize> {
    std::future::poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            take(buffer.filled());
            Ok(buffer.filled().len()).into()
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_the_pages_and_not_a_texts() {
        let body = br#"{"messages":[{"text":"\"cursor\":9"}],"cursor":41,"has_more":false}"#;
        assert_eq!(end_of_page(body), Some(41));
    }
}
