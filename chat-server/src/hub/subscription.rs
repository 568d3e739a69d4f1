//! A connection's end of the hub: what it missed, then what happens, until there is a reason to stop.

use super::Hub;
use super::listener::{Direct, Event, Listener};
use super::room::Room;
use crate::store::{Missed, PAGE_BYTES, Store, StoreError};
use bytes::Bytes;
use chat_protocol::limits::MAX_PAGE;
use chat_protocol::{CloseCode, Seq};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

type Reading = Pin<Box<dyn Future<Output = Result<Missed, StoreError>> + Send>>;

/// A place in a room, left when dropped. Nothing of the room is lost, doubled or out of order in what it
/// gives. While it catches up it reads page by page, and only when asked for the next: at its own pace.
pub struct Subscription {
    hub: Hub,
    store: Store,
    room: Arc<Room>,
    key: u64,
    listener: Arc<Listener>,
    first: Option<Bytes>,
    /// Not attached yet: the last change given out.
    behind: Option<Seq>,
    reading: Option<Reading>,
    expiry: Pin<Box<Sleep>>,
}

impl Subscription {
    /// Not in the room's flow yet. Its place is given back when this is dropped.
    pub(super) fn new(hub: Hub, store: Store, room: Arc<Room>, listener: Listener, expires: Instant) -> Self {
        let listener = Arc::new(listener);
        let key = room.enter(Arc::clone(&listener));
        let expiry = Box::pin(sleep_until(expires));
        let (first, behind, reading) = Default::default();
        Self { hub, store, room, key, listener, first, behind, reading, expiry }
    }

    /// Reads what was missed after `after`, with every reason there may be to refuse.
    pub(super) async fn catch_up(&mut self, after: Seq) -> Result<(), StoreError> {
        let missed = self.read(after).await?;
        self.first = self.take(missed, after);
        if self.first.is_none() {
            self.first = self.listener.rendering.first(None, after);
        }
        Ok(())
    }

    /// What to do next. Cancel-safe: what was not returned is returned by the next call.
    pub async fn next(&mut self) -> Event {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What to do next. After [`Event::End`] there is nothing more.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.expiry.as_mut().poll(cx).is_ready() {
            self.listener.end(CloseCode::TokenExpired);
        }
        if let Some(first) = self.first.take() {
            return Poll::Ready(Event::Data(first));
        }
        while let Some(after) = self.behind {
            if let Poll::Ready(why) = self.listener.poll_end(cx) {
                return Poll::Ready(Event::End(why));
            }
            let reading = match &mut self.reading {
                Some(reading) => reading,
                empty => empty.insert(Box::pin(read(&self.store, &self.room, &self.listener, after))),
            };
            let missed = ready!(reading.as_mut().poll(cx));
            self.reading = None;
            match missed {
                Ok(missed) => {
                    if let Some(bytes) = self.take(missed, after) {
                        return Poll::Ready(Event::Data(bytes));
                    }
                }
                Err(error) => self.listener.end(reason(&error)),
            }
        }
        self.listener.poll(cx)
    }

    /// For a connection that is still busy with what it was given: whether there is a reason to stop.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<CloseCode> {
        if self.expiry.as_mut().poll(cx).is_ready() {
            self.listener.end(CloseCode::TokenExpired);
        }
        self.listener.poll_end(cx)
    }

    /// Lets the room write to `connection` itself whenever it has nothing else to write and waits in
    /// [`Subscription::poll_next`].
    pub fn write_directly(&self, connection: Arc<dyn Direct>) {
        self.listener.write_directly(connection);
    }

    /// Why it has ended, if it has, whether anybody came to hear it or not.
    pub fn ended(&self) -> Option<CloseCode> {
        self.listener.ended()
    }

    /// How many long polls were answered along with what was given out last, this one included.
    pub fn company(&self) -> usize {
        self.listener.company()
    }

    fn read(&self, after: Seq) -> impl Future<Output = Result<Missed, StoreError>> + Send + use<> {
        read(&self.store, &self.room, &self.listener, after)
    }

    /// Attaches once there is no more, and renders what there is.
    fn take(&mut self, missed: Missed, after: Seq) -> Option<Bytes> {
        let (cursor, more) = match &missed.page {
            Some(page) => (page.cursor, page.has_more),
            None => (after, false),
        };
        let done = missed.page.is_some() && self.listener.rendering.is_page();
        let attached = !done && !more && self.room.attach(self.key, cursor, missed.removals);
        self.behind = if attached { None } else { Some(cursor) };
        missed.page.and_then(|page| self.listener.rendering.first(Some(page), after))
    }
}

fn read(
    store: &Store,
    room: &Room,
    listener: &Listener,
    after: Seq,
) -> impl Future<Output = Result<Missed, StoreError>> + Send + use<> {
    let (store, room, user) = (store.clone(), room.id, listener.user.clone());
    let most = match listener.rendering.limit() {
        Some(limit) => (limit, PAGE_BYTES),
        // It waits for the reader as what is queued does.
        None => (MAX_PAGE, listener.bound.min(PAGE_BYTES)),
    };
    async move { store.missed(room, user, after, most).await }
}

/// What a failing store means for who is in the middle of it.
fn reason(error: &StoreError) -> CloseCode {
    match error {
        StoreError::NotAMember => CloseCode::NotAMember,
        StoreError::RoomNotFound => CloseCode::RoomGone,
        // It comes back, and is told in the answer.
        StoreError::Busy(_) | StoreError::CursorAhead { .. } => CloseCode::GoingAway,
        _ => {
            tracing::error!(%error, "a listener is sent away");
            CloseCode::Internal
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.room.leave(self.key);
        self.hub.release(self.room.id, &self.listener);
    }
}
