//! One listener's queue: what the room has for it and its connection has not taken yet.
//!
//! Bounded in bytes. Whoever falls further behind is ended and comes back by the cursor: the room never
//! waits for anybody, and nobody's slowness costs memory.
//!
//! # The direct way
//! Waking a connection's task costs about as much as the write it makes. A connection that can be written
//! to from anywhere gives its [`Direct`] end along, and while its task *waits for us*, having been given
//! all there is and having written it, the room writes to it at once. What it does not take is queued, and
//! from then on everything is, until the task has come for all of it again: so the order stays.

use super::Rendering;
use bytes::Bytes;
use chat_protocol::{CloseCode, UserId};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a place in the queue costs beside its bytes, which all listeners of a room share.
const PLACE_BYTES: usize = 64;

/// What a connection is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Write this.
    Data(Bytes),
    /// Say why, and close.
    End(CloseCode),
}

/// A connection that can be written to without its task.
pub trait Direct: fmt::Debug + Send + Sync {
    /// Takes all of `bytes`, to write them now or as soon as can be, or nothing.
    fn offer(&self, bytes: &Bytes) -> bool;
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) user: UserId,
    pub(super) rendering: Rendering,
    /// Bytes that may wait for it.
    pub(super) bound: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    ready: VecDeque<Bytes>,
    size: usize,
    company: usize,
    /// All is given out, and the connection's task has come for more.
    idle: bool,
    direct: Option<Arc<dyn Direct>>,
    end: Option<CloseCode>,
    waker: Option<Waker>,
}

impl Listener {
    /// With a queue of at most `bound` bytes, or of one item if that is larger.
    pub(super) fn new(user: UserId, rendering: Rendering, bound: usize) -> Self {
        Self { user, rendering, bound, queue: Mutex::default() }
    }

    /// Whether it can still be served: it has not ended, nor has this ended it.
    pub(super) fn push(&self, bytes: Bytes, company: usize) -> bool {
        let mut queue = self.lock();
        if queue.end.is_some() {
            return false;
        }
        queue.company = company;
        if queue.idle && queue.direct.as_ref().is_some_and(|direct| direct.offer(&bytes)) {
            return true;
        }
        queue.idle = false;
        let size = bytes.len() + PLACE_BYTES;
        if queue.size + size > self.bound && !queue.ready.is_empty() {
            queue.finish(CloseCode::SlowReader);
            return false;
        }
        queue.size += size;
        queue.ready.push_back(bytes);
        queue.wake();
        true
    }

    /// From now on the room writes there when it can.
    pub(super) fn write_directly(&self, direct: Arc<dyn Direct>) {
        self.lock().direct = Some(direct);
    }

    /// The first reason stays.
    pub(super) fn end(&self, why: CloseCode) {
        self.lock().finish(why);
    }

    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Event> {
        let mut queue = self.lock();
        if let Some(bytes) = queue.ready.pop_front() {
            queue.size -= bytes.len() + PLACE_BYTES;
            if queue.ready.is_empty() {
                queue.ready = VecDeque::new(); // an idle listener holds no memory for its busy times
            }
            return Poll::Ready(Event::Data(bytes));
        }
        queue.idle = true;
        queue.poll_end(cx).map(Event::End)
    }

    pub(super) fn poll_end(&self, cx: &Context<'_>) -> Poll<CloseCode> {
        self.lock().poll_end(cx)
    }

    /// Why it has ended, if it has.
    pub(super) fn ended(&self) -> Option<CloseCode> {
        self.lock().end
    }

    /// How many long polls were answered along with the last item.
    pub(super) fn company(&self) -> usize {
        self.lock().company
    }

    // A panic while the lock was held leaves a queue of whole items.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Who goes with the server takes what is ready along. Who was too slow asks for it again, and who is
    /// out of the room gets nothing more.
    fn finish(&mut self, why: CloseCode) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(why);
        if why != CloseCode::GoingAway {
            (self.ready, self.size) = (VecDeque::new(), 0);
        }
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<CloseCode> {
        if let Some(why) = self.end {
            return Poll::Ready(why);
        }
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            empty => *empty = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}
