//! The write half of a WebSocket. Whoever has something for the peer writes it here, a whole frame at a time.
//!
//! Three write: the room's task ([`SocketSink::offer`]), the tasks of what the peer sends (answers) and the
//! connection's own (what was missed, pongs, pings, the close frame). Each takes the lock, and on a plain
//! connection with nothing waiting hands its frame to the kernel there and then: no other task is woken,
//! which is what makes a room of a thousand listeners cheap. What the kernel does not take waits here until
//! the connection's task can write it; over TLS that task writes everything.
//!
//! # Invariants
//! - A frame is written or queued whole and the queue is written in order, so frames never interleave.
//! - The queue is bounded: the room gives nothing to a connection that has something waiting (the hub
//!   keeps it, and knows when it is too much), answers are bounded by [`UNDER_WAY`], and tungstenite holds
//!   back pongs.
//! - Once it is sealed only the connection's own task writes.

use super::wire::Wire;
use crate::hub::Direct;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use tokio::time::Instant;

/// Messages of one peer that are being stored, or whose answers it has not read. Enough to fill a group
/// commit alone; a person has one or two.
const UNDER_WAY: usize = 16;

/// Frames handed to the kernel in one call.
const SLICES: usize = 16;

/// The write half.
pub(super) struct SocketSink(Mutex<State>);

struct State {
    wire: Wire,
    queue: VecDeque<Waiting>,
    /// Written to a TLS session, perhaps not yet to its socket.
    unflushed: bool,
    under_way: usize,
    /// When a frame was last taken.
    sent: Instant,
    /// When the peer was last seen to have read: the kernel took more after it had been full.
    read: Instant,
    blocked: bool,
    sealed: bool,
    broken: bool,
    /// The connection's task.
    waker: Option<Waker>,
}

struct Waiting {
    bytes: Bytes,
    answer: bool,
}

impl SocketSink {
    pub(super) fn new(wire: Wire) -> Self {
        let now = Instant::now();
        Self(Mutex::new(State {
            wire,
            queue: VecDeque::new(),
            unflushed: false,
            under_way: 0,
            sent: now,
            read: now,
            blocked: false,
            sealed: false,
            broken: false,
            waker: None,
        }))
    }

    /// Takes a frame of the connection's task's.
    pub(super) fn put(&self, frame: &Bytes) {
        self.lock().put(frame, false);
    }

    /// A message is being stored.
    pub(super) fn begin(&self) {
        self.lock().under_way += 1;
    }

    /// The answer to it.
    pub(super) fn answer(&self, frame: &Bytes) {
        let mut state = self.lock();
        if !state.sealed {
            state.put(frame, true);
        }
    }

    /// Whether another message may be begun. When it may again the connection's task is woken.
    pub(super) fn may_begin(&self) -> bool {
        self.lock().under_way < UNDER_WAY
    }

    /// Nothing but the end follows.
    pub(super) fn seal(&self) {
        self.lock().sealed = true;
    }

    /// When a frame was last taken.
    pub(super) fn sent(&self) -> Instant {
        self.lock().sent
    }

    /// When the peer was last seen to read on after having kept us waiting.
    pub(super) fn read(&self) -> Instant {
        self.lock().read
    }

    /// Writes what waits; ready when nothing does. Wakes the one task that polls.
    ///
    /// # Errors
    /// The connection takes no more.
    pub(super) fn poll_written(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        state.remember(cx);
        if state.broken {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        state.poll_write(cx)
    }

    /// Tells the peer that nothing follows.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().wire.poll_shutdown(cx)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock leaves a frame half queued, even if it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Direct for SocketSink {
    fn offer(&self, frame: &Bytes) -> bool {
        let mut state = self.lock();
        state.queue.is_empty() && !state.sealed && !state.broken && state.write_now(frame, false)
    }
}

/// What tungstenite writes of its own: pongs, pings and the close frame, each whole, since its buffer is
/// written out with every frame.
impl io::Write for &SocketSink {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if !state.queue.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        state.put(&Bytes::copy_from_slice(frames), false);
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for SocketSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketSink")
    }
}

impl State {
    fn put(&mut self, frame: &Bytes, answer: bool) {
        if self.broken || (self.queue.is_empty() && self.write_now(frame, answer)) {
            return;
        }
        self.keep(frame.clone(), answer);
    }

    /// Whether the frame was taken. The queue is empty.
    fn write_now(&mut self, frame: &Bytes, answer: bool) -> bool {
        match self.wire.try_write(frame) {
            Ok(all) if all == frame.len() => {
                self.sent = Instant::now();
                if answer {
                    self.answered();
                }
            }
            Ok(some) => self.keep(frame.slice(some..), answer),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => {
                self.broken = true;
                self.wake();
            }
        }
        true
    }

    fn keep(&mut self, bytes: Bytes, answer: bool) {
        self.sent = Instant::now();
        self.queue.push_back(Waiting { bytes, answer });
        self.wake();
    }

    fn answered(&mut self) {
        // The reading side waits only at the bound.
        if self.under_way == UNDER_WAY {
            self.wake();
        }
        self.under_way -= 1;
    }

    fn remember(&mut self, cx: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            empty => *empty = Some(cx.waker().clone()),
        }
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            for (slice, waiting) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(&waiting.bytes);
            }
            let count = self.queue.len().min(SLICES);
            match self.wire.poll_write(cx, &slices[..count])? {
                Poll::Ready(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(written) => self.written(written),
                Poll::Pending => {
                    self.blocked = true;
                    return Poll::Pending;
                }
            }
        }
        if self.unflushed {
            ready!(self.wire.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn written(&mut self, mut bytes: usize) {
        self.unflushed = true;
        if std::mem::take(&mut self.blocked) {
            self.read = Instant::now();
        }
        while let Some(first) = self.queue.front_mut() {
            if bytes < first.bytes.len() {
                first.bytes.advance(bytes);
                return;
            }
            bytes -= first.bytes.len();
            if self.queue.pop_front().is_some_and(|waiting| waiting.answer) {
                self.answered();
            }
        }
        // An idle connection holds no memory for its busy times.
        self.queue = VecDeque::new();
    }
}

#[cfg(test)]
mod tests;
