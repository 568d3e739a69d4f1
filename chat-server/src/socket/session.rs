//! A WebSocket once it is open: one task that reads, keeps alive and ends.
//!
//! ```text
//! room ── offer ──▶ SocketSink ──▶ peer        (no task is woken)
//!   └─▶ queue ─▶ Subscription ─▶ Session ─┘    (the first frame, TLS, and whoever reads slowly)
//! peer ─▶ Session ─▶ one task per message being stored ─▶ SocketSink
//! ```
//! tungstenite reads, and writes pongs and the close handshake; everything goes out through the sink. Nothing is
//! read while too much is under way (`sink`) or came too fast (`pace`): the peer's own network holds it back.
//!
//! # The end
//! Whoever ends says why. After our close frame the peer has [`CLOSE_TIMEOUT`] to answer it, in which it
//! may still be reading what came before; then the connection is cut. A peer that shows no sign of life is
//! cut without a word.

use super::frames;
use super::pace::Pace;
use super::peer::{Farewell, Peer};
use super::send;
use super::wire::Connection;
use crate::access_log::Ending;
use crate::hub::{Event as News, Subscription};
use crate::limits::Limits;
use crate::store::Store;
use chat_protocol::limits::MAX_REQUEST_BYTES;
use chat_protocol::{ClientFrame, CloseCode, RoomId, UserId};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tungstenite::{Error, Message};

/// How long a peer may take to end its side: two round trips on a bad network, and below what the drain
/// gives.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The same for a slow reader, before whom our close frame waits behind all that the kernel has taken.
const SLOW_CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a heartbeat and its answer may need on top of the time between two of them.
const GRACE: Duration = Duration::from_secs(10);

/// What a session is about.
pub(super) struct Session {
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) store: Store,
    pub(super) limits: Arc<Limits>,
    pub(super) heartbeat: Duration,
    pub(super) subscription: Subscription,
    /// Of the line in the log.
    pub(super) ending: Ending,
}

/// A session with its connection.
pub(super) struct Open {
    session: Session,
    peer: Peer,
    pinged: Instant,
}

/// What the task wakes up for.
enum Event {
    Heard(Result<Message, Error>),
    End(CloseCode),
    Broken,
    Alarm,
}

impl Open {
    pub(super) fn new(session: Session, connection: Connection) -> Box<Self> {
        let direct = connection.is_direct();
        let now = Instant::now();
        let peer = Peer::new(connection, MAX_REQUEST_BYTES, Pace::new(now));
        if direct {
            session.subscription.write_directly(Arc::clone(&peer.sink) as _);
        }
        Box::new(Self { session, peer, pinged: now })
    }

    /// Serves until either side ends it.
    pub(super) async fn run(mut self: Box<Self>) {
        let ending = self.serve().await;
        let patience = match &ending {
            Farewell::Close(frame) if *frame == frames::close(CloseCode::SlowReader) => SLOW_CLOSE_TIMEOUT,
            _ => CLOSE_TIMEOUT,
        };
        // Its place in the room is free from here on.
        let Self { peer, session, .. } = *self;
        drop(session);
        peer.sink.seal();
        // Boxed, as it is here that a connection's task would need most of its memory.
        if timeout(patience, Box::pin(peer.end(ending))).await.is_err() {
            tracing::debug!("WebSocket cut off: the peer did not end its side");
        }
    }

    async fn serve(&mut self) -> Farewell {
        let alarm = sleep_until(self.next_alarm());
        tokio::pin!(alarm);
        loop {
            let ending = match poll_fn(|cx| self.poll(cx, alarm.as_mut())).await {
                Event::Heard(Ok(message)) => self.heard(message).await,
                Event::Heard(Err(error)) => Some(self.failed(&error)),
                Event::End(code) => Some(self.close(code)),
                Event::Broken => Some(Farewell::Gone),
                Event::Alarm => self.alarm(),
            };
            match ending {
                Some(ending) => return ending,
                None if alarm.is_elapsed() => alarm.as_mut().reset(self.next_alarm()),
                None => {}
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, mut alarm: Pin<&mut Sleep>) -> Poll<Event> {
        let subscription = &mut self.session.subscription;
        loop {
            match self.peer.sink.poll_written(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(Event::Broken),
                // Only to whoever has read what came before.
                Poll::Ready(Ok(())) => match subscription.poll_next(cx) {
                    Poll::Ready(News::Data(frame)) => self.peer.sink.put(&frame),
                    Poll::Ready(News::End(code)) => return Poll::Ready(Event::End(code)),
                    Poll::Pending => break,
                },
                Poll::Pending => match subscription.poll_end(cx) {
                    Poll::Ready(code) => return Poll::Ready(Event::End(code)),
                    Poll::Pending => break,
                },
            }
        }
        if self.peer.sink.may_begin()
            && self.peer.pace.may_read()
            && let Poll::Ready(heard) = self.peer.poll_message(cx)
        {
            return Poll::Ready(Event::Heard(heard));
        }
        // From here or from within a message that does not end: nobody else wakes us to read on.
        if let Some(until) = self.peer.pace.stopped().filter(|until| *until < alarm.deadline()) {
            alarm.as_mut().reset(until);
        }
        alarm.poll(cx).map(|()| Event::Alarm)
    }

    async fn heard(&mut self, message: Message) -> Option<Farewell> {
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(ClientFrame::Send { transaction_id, text }) => {
                    send::begin(&self.session, &self.peer.sink, transaction_id, &text).await;
                    None
                }
                Err(_) => Some(self.close(CloseCode::BadFrame)),
            },
            Message::Binary(_) => Some(self.close(CloseCode::BadFrame)),
            Message::Close(_) => Some(Farewell::Echo),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
        }
    }

    fn close(&self, why: CloseCode) -> Farewell {
        self.session.ending.because(why);
        Farewell::Close(frames::close(why))
    }

    fn failed(&self, error: &Error) -> Farewell {
        let farewell = Farewell::of(error);
        if let Farewell::Fail(frame) = &farewell {
            // What has no name of ours is a frame that we do not have.
            let code = CloseCode::from_number(frame.code.into());
            self.session.ending.because(code.unwrap_or(CloseCode::BadFrame));
        }
        farewell
    }

    /// When to look again: at the next heartbeat, or at the moment from which the peer counts as gone.
    fn next_alarm(&self) -> Instant {
        self.next_ping().min(self.gone())
    }

    /// A heartbeat after we last said something, so that the peer knows of us; and after it last said
    /// something, so that we know of it.
    fn next_ping(&self) -> Instant {
        self.pinged.max(self.peer.sink.sent().min(self.peer.heard)) + self.session.heartbeat
    }

    fn gone(&self) -> Instant {
        self.peer.heard.max(self.peer.sink.read()) + 2 * self.session.heartbeat + GRACE
    }

    fn alarm(&mut self) -> Option<Farewell> {
        let now = Instant::now();
        if now >= self.gone() {
            tracing::debug!("WebSocket cut off: no sign of life");
            return Some(Farewell::Gone);
        }
        if now >= self.next_ping() {
            self.pinged = now;
            self.peer.ping();
        }
        None
    }
}
