//! The meaning of [`TimelineUpdate`], for whoever keeps the items themselves.

use super::{ItemKey, RoomStatus, TimelineItem, TimelineUpdate};

/// A room's items in screen order, oldest first: confirmed ones by id, then the others in the
/// order they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    items: Vec<TimelineItem>,
    status: RoomStatus,
}

impl Timeline {
    /// Takes a change in.
    pub fn apply(&mut self, update: TimelineUpdate) {
        match update {
            TimelineUpdate::Snapshot { items, status } => *self = Self { items, status },
            TimelineUpdate::Diff { upserted, removed, status } => {
                self.status = status;
                let replaced: std::collections::HashSet<ItemKey> =
                    upserted.iter().map(|item| item.key).chain(removed).collect();
                self.items.retain(|item| !replaced.contains(&item.key));
                self.items.extend(upserted);
                self.items.sort_by_key(place);
            }
        }
    }

    /// The items, oldest first.
    pub fn items(&self) -> &[TimelineItem] {
        &self.items
    }

    /// The rest: whether there are older ones, how far the room is read.
    pub fn status(&self) -> RoomStatus {
        self.status
    }

    /// How many messages are missing right above the item at `index`, still to come.
    pub fn missing_before(&self, index: usize) -> i64 {
        let id = |at: usize| self.items.get(at).and_then(|item| item.id).map(chat_protocol::MessageId::get);
        match (index.checked_sub(1).and_then(id), id(index)) {
            (Some(before), Some(this)) => this - before - 1,
            _ => 0,
        }
    }
}

/// Confirmed before unconfirmed; the former by id, the latter as written: -1, -2, …
fn place(item: &TimelineItem) -> (bool, i64) {
    match item.id {
        Some(id) => (false, id.get()),
        None => (true, -item.key.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChangeState, DeliveryState};
    use chat_protocol::{MessageId, Seq, Timestamp, UserId};

    fn item(key: i64, id: Option<i64>) -> TimelineItem {
        TimelineItem {
            key: ItemKey::from_number(key),
            id: id.map(|id| MessageId::new(id).unwrap()),
            seq: id.map(|id| Seq::new(id).unwrap()),
            sender: UserId::new("alice").unwrap(),
            own: key < 0,
            text: "t".into(),
            sent_at: Timestamp::from_millis(0),
            edited: false,
            deleted: false,
            state: if id.is_some() { DeliveryState::Confirmed } else { DeliveryState::Pending },
            change: ChangeState::None,
        }
    }

    #[test]
    fn a_confirmed_message_moves_to_its_place_and_keeps_its_key() {
        let mut timeline = Timeline::default();
        let items = vec![item(1, Some(1)), item(-1, None), item(-2, None)];
        let status = RoomStatus::default();
        timeline.apply(TimelineUpdate::Snapshot { items, status });
        let upserted = vec![item(-1, Some(3)), item(2, Some(2))];
        timeline.apply(TimelineUpdate::Diff { upserted, removed: vec![], status });
        let keys: Vec<_> = timeline.items().iter().map(|i| i.key.get()).collect();
        assert_eq!(keys, [1, 2, -1, -2]);
        let removed = vec![ItemKey::from_number(-2)];
        timeline.apply(TimelineUpdate::Diff { upserted: vec![], removed, status });
        assert_eq!(timeline.items().len(), 3);
    }
}
