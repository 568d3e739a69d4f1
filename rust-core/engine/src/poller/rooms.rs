//! What the list's job polls: the user's rooms.

use super::{ConnectionState, Failure, Outcome, Poll};
use crate::cache;
use crate::engine::Shared;
use crate::repository::RoomListFeed;
use std::sync::Arc;

/// The list of rooms, for the screen that wants it.
pub(crate) struct RoomsPoll {
    pub(crate) shared: Arc<Shared>,
    pub(crate) feed: Arc<RoomListFeed>,
}

/// The list that is stored, by its tag.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tag: Option<String>,
    file: u64,
}

impl Poll for RoomsPoll {
    type Position = Known;

    async fn poll(&self, known: &mut Known) -> Result<Outcome, Failure> {
        let shared = &self.shared;
        let file = shared.cache.file();
        let tag = known.tag.clone().filter(|_| known.file == file);
        let answer = {
            // Never closed, so there is always one to be had.
            let _permit = shared.permits.acquire().await;
            let tag = tag.as_deref();
            shared
                .session
                .authorized(|token| async move { shared.transport.rooms(tag, &token).await })
                .await?
        };
        let interval = answer.interval;
        let Some(tagged) = answer.answer else { return Ok(Outcome { more: false, news: false, interval }) };
        let me = &shared.config.account.user;
        shared.cache.commit(
            |t| cache::replace(t, me, &tagged.rooms.rooms),
            |moved| {
                shared.tell_reach(moved);
                self.feed.refresh();
            },
        )?;
        *known = Known { tag: tagged.tag, file };
        Ok(Outcome { more: false, news: true, interval })
    }

    fn tell(&self, state: ConnectionState) {
        self.feed.set_connection(state);
    }
}
