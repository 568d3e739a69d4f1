//! The other side of a WebSocket: what it says, and how it is left.
//!
//! tungstenite reads, and writes pongs and the closing handshake by itself; what it writes goes through the
//! sink, among everybody else's frames.

use super::frames;
use super::pace::Pace;
use super::sink::SocketSink;
use super::wire::{Connection, Source};
use chat_protocol::CloseCode;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::coding::CloseCode as Number;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// Allocated for as long as the connection lives. A message of a few lines fits; a longer one gets room
/// when its header has been read.
const READ_BUFFER_BYTES: usize = 512;

/// Pongs and a close frame that a blocked connection keeps; the last pong counts (RFC 6455, 5.5.3).
const CONTROL_BUFFER_BYTES: usize = 512;

/// The reading side.
pub(super) struct Peer {
    context: WebSocketContext,
    source: Source,
    /// How fast it is read.
    pub(super) pace: Pace,
    pub(super) sink: Arc<SocketSink>,
    /// When anything last came.
    pub(super) heard: Instant,
}

/// How it ends.
pub(super) enum Farewell {
    /// By us, in order.
    Close(CloseFrame),
    /// By us, and what the peer sends further cannot be read.
    Fail(CloseFrame),
    /// By the peer, whose close frame waits for its echo.
    Echo,
    /// There is nobody to tell.
    Gone,
}

impl Farewell {
    /// What an error of the reading side means for the peer.
    pub(super) fn of(error: &Error) -> Self {
        Farewell::Fail(match error {
            Error::Capacity(_) => frames::close(CloseCode::TooLarge),
            Error::Utf8(_) => frames::close_with(Number::Invalid, "Not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | Error::Io(_)
            | Error::ConnectionClosed
            | Error::AlreadyClosed => return Farewell::Gone,
            Error::Protocol(_) => frames::close_with(Number::Protocol, "Protocol error"),
            _ => frames::close(CloseCode::Internal),
        })
    }
}

impl Peer {
    /// At the end of a handshake. Takes messages of at most so many bytes.
    pub(super) fn new(connection: Connection, most_bytes: usize, mut pace: Pace) -> Self {
        let Connection { source, wire, read } = connection;
        let now = Instant::now();
        pace.took(&read, now);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(CONTROL_BUFFER_BYTES)
            .max_message_size(Some(most_bytes))
            .max_frame_size(Some(most_bytes));
        let context = WebSocketContext::from_partially_read(read, Role::Server, Some(config));
        Self { context, source, pace, sink: Arc::new(SocketSink::new(wire)), heard: now }
    }

    /// The next message. Pongs, and the echo of a close frame, are written on the way. Not ready, and woken by nobody,
    /// while its pace holds it back.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        polled(self.context.read(&mut Io {
            source: &mut self.source,
            pace: &mut self.pace,
            sink: &self.sink,
            heard: &mut self.heard,
            cx,
        }))
    }

    /// Asks for a sign of life. To a connection that is blocked a ping would say nothing, and come late.
    pub(super) fn ping(&mut self) {
        // What fails here fails the next read or write as well.
        let _ = (&*self.sink).write(&[0x89, 0]);
    }

    /// Brings it to its end, for which the peer may take as long as it likes.
    pub(super) async fn end(mut self, ending: Farewell) {
        let lost = matches!(ending, Farewell::Fail(_));
        match ending {
            Farewell::Gone => return,
            Farewell::Echo => {}
            Farewell::Close(frame) | Farewell::Fail(frame) => {
                let mut frame = Some(frame);
                if poll_fn(|cx| self.poll_close(cx, &mut frame)).await.is_err() {
                    return;
                }
            }
        }
        // Until the peer's close frame, or until our echo of it is written.
        while !lost && poll_fn(|cx| self.poll_farewell(cx)).await.is_ok() {}
        // What the peer has sent meanwhile is read, and thrown away: closing on unread bytes resets the
        // connection, and the peer would not see our close frame.
        if poll_fn(|cx| self.sink.poll_written(cx)).await.is_ok()
            && poll_fn(|cx| self.sink.poll_shutdown(cx)).await.is_ok()
        {
            let mut waste = [0; 512];
            while poll_fn(|cx| self.source.poll_read(cx, &mut waste)).await.is_ok_and(|read| read > 0) {}
        }
    }

    /// Writes the close frame after what waits.
    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        frame: &mut Option<CloseFrame>,
    ) -> Poll<Result<(), Error>> {
        loop {
            ready!(self.sink.poll_written(cx))?;
            let mut io = Io {
                source: &mut self.source,
                pace: &mut self.pace,
                sink: &self.sink,
                heard: &mut self.heard,
                cx,
            };
            // A pong that had to wait comes before it.
            ready!(polled(self.context.flush(&mut io)))?;
            match frame.take() {
                Some(frame) => {
                    if let Poll::Ready(closed) = polled(self.context.close(&mut io, Some(frame))) {
                        closed?;
                    }
                }
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        if let Poll::Ready(Err(error)) = self.sink.poll_written(cx) {
            return Poll::Ready(Err(error.into()));
        }
        self.poll_message(cx)
    }
}

/// What tungstenite reads from and writes to, while a task polls.
struct Io<'a, 'b> {
    source: &'a mut Source,
    pace: &'a mut Pace,
    sink: &'a SocketSink,
    heard: &'a mut Instant,
    cx: &'a mut Context<'b>,
}

impl Read for Io<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Here, as tungstenite goes on reading until a message is whole, however many frames that takes.
        if !self.pace.may_read() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = self.pace.most().min(buffer.len());
        match self.source.poll_read(self.cx, &mut buffer[..most]) {
            Poll::Ready(read) => {
                let (read, now) = (read?, Instant::now());
                *self.heard = now;
                self.pace.took(&buffer[..read], now);
                Ok(read)
            }
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Io<'_, '_> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.sink.write(frames)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// tungstenite's way of saying "not yet".
fn polled<T>(outcome: Result<T, Error>) -> Poll<Result<T, Error>> {
    match outcome {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}
