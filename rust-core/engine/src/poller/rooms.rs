//! What the list's job polls: the user's rooms.

use super::{ConnectionState, Failure, Outcome, Poll};
use crate::cache;
use crate::engine::Shared;
use crate::repository::RoomListFeed;
use crate::transport::Polled;
use chat_protocol::Rooms;
use std::sync::Arc;

/// The list of rooms, for the screen that wants it.
pub(crate) struct RoomsPoll {
    pub(crate) shared: Arc<Shared>,
    pub(crate) feed: Arc<RoomListFeed>,
}

/// The list that is stored.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tag: Option<String>,
    rooms: Option<Rooms>,
    file: u64,
}

impl Poll for RoomsPoll {
    type Position = Known;

    async fn poll(&self, known: &mut Known) -> Result<Outcome, Failure> {
        let shared = &self.shared;
        let file = shared.cache.file();
        let tag = known.tag.clone().filter(|_| known.file == file);
        let tag = tag.as_deref();
        let ask = |token| async move { shared.transport.rooms(tag, &token).await };
        let Polled { answer, interval } = shared.turns.authorized(ask).await?;
        // Without a tag, a server tells again what is known.
        let news = answer.filter(|tagged| known.file != file || known.rooms.as_ref() != Some(&tagged.rooms));
        let Some(tagged) = news else { return Ok(Outcome { more: false, news: false, interval }) };
        let me = &shared.config.account.user;
        shared.cache.commit(
            |t| cache::replace(t, me, &tagged.rooms.rooms),
            |moved| {
                shared.tell_reach(moved);
                self.feed.refresh();
            },
        )?;
        *known = Known { tag: tagged.tag, rooms: Some(tagged.rooms), file };
        Ok(Outcome { more: false, news: true, interval })
    }

    fn tell(&self, state: ConnectionState) {
        self.feed.set_connection(state);
    }
}
