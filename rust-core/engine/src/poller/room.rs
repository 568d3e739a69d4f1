//! What a room's job does: asks for its changes, and waits for the next in the way that works best.

use super::fetch::{Fetch, Position};
use super::{ConnectionState, Failure, Lines, Outcome, Poll, Rest};
use crate::repository::Feed;
use std::sync::Arc;

/// A room's changes, for the screen that wants them.
pub(crate) struct RoomPoll {
    pub(crate) fetch: Arc<Fetch>,
    /// Of the screen that wants this job: hears of the job.
    pub(crate) feed: Arc<Feed>,
    /// Of the engine.
    pub(crate) lines: Arc<Lines>,
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

    async fn rest(&self, position: &mut Position, rest: &mut Rest<'_>) -> Result<(), Failure> {
        self.follow(position, rest).await
    }

    fn tell(&self, state: ConnectionState) {
        self.feed.set_connection(state);
    }
}
