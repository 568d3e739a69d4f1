//! What a room's job polls: its changes.

use super::fetch::{Fetch, Position};
use super::{ConnectionState, Failure, Outcome, Poll};
use crate::repository::Feed;
use std::sync::Arc;

/// A room's changes, for the screen that wants them.
pub(crate) struct RoomPoll {
    pub(crate) fetch: Arc<Fetch>,
    /// Of the screen that wants this job: hears of the job.
    pub(crate) feed: Arc<Feed>,
}

impl Poll for RoomPoll {
    type Position = Position;

    async fn poll(&self, position: &mut Position) -> Result<Outcome, Failure> {
        let outcome = self.fetch.changes(position).await;
        if outcome.is_err() {
            self.fetch.caught_up(position);
        }
        outcome
    }

    fn tell(&self, state: ConnectionState) {
        self.feed.set_connection(state);
    }
}
