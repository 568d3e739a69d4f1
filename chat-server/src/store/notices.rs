//! What the store tells about what it has committed.

use chat_protocol::{Message, RoomId, Timestamp};
use std::sync::Arc;

/// In milliseconds: for how long a message that is sent again is told again. Whoever stored it may have died before it
/// told anybody, and its sender, who has no answer, asks the next node within seconds.
const YOUNG: i64 = 60_000;

/// Something in a room is not as it was. It says neither what nor by whom: whoever cares asks
/// [`super::Store::changes`], so a notice that comes twice or late does no harm, and another process can
/// pass it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Where.
    pub room: RoomId,
    /// How many changes; a hint at the load, not a promise.
    pub changes: u32,
    /// Whether it should not wait for company: something must no longer be seen, or somebody must no
    /// longer see.
    pub urgent: bool,
}

impl Changed {
    /// One change that may wait for company.
    pub(super) fn one(room: RoomId) -> Self {
        Self { room, changes: 1, urgent: false }
    }

    /// One that may not: what its sender takes back should be off every screen, and who is out hears no
    /// more.
    pub(super) fn urgent(room: RoomId) -> Self {
        Self { urgent: true, ..Self::one(room) }
    }
}

/// Is told of changes by whoever commits them: after the commit, in the order of a room's commits, before
/// whoever made the change has the answer. Must return soon; writes wait for it.
pub type Announce = Arc<dyn Fn(&[Changed]) + Send + Sync>;

/// Whether a replay of `message` is announced although it changes nothing.
pub(super) fn is_young(message: &Message, now: Timestamp) -> bool {
    now.as_millis().saturating_sub(message.sent_at.as_millis()) < YOUNG
}

/// Adds `change`, or lets it ride with the one for the same room that is there already: those of one
/// commit are all visible at once.
pub(super) fn add(notices: &mut Vec<Changed>, change: Changed) {
    match notices.iter_mut().find(|known| known.room == change.room) {
        Some(known) => {
            known.changes = known.changes.saturating_add(change.changes);
            known.urgent |= change.urgent;
        }
        None => notices.push(change),
    }
}
