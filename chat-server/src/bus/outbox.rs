//! What is still to be told: a notice for each room that has changed, and the number of the next message.

use crate::store::Changed;
use chat_protocol::RoomId;
use std::collections::HashMap;

/// Rooms that may wait. Only a Redis that is away lets them become so many, and whoever has missed this much may as
/// well re-read everything.
const MOST_ROOMS: usize = 4_096;

/// Rooms in a message: some 20 KB, which no Redis takes notice of.
const MOST_IN_A_MESSAGE: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    rooms: HashMap<RoomId, Changed>,
    /// Too many were waiting, and were forgotten.
    overflowed: bool,
    /// Of the last message.
    number: u64,
}

impl Outbox {
    pub(super) fn add(&mut self, notices: &[Changed]) {
        for notice in notices {
            if self.rooms.len() >= MOST_ROOMS && !self.rooms.contains_key(&notice.room) {
                self.rooms = HashMap::new();
                self.overflowed = true;
            }
            let known = self.rooms.entry(notice.room).or_insert(Changed { changes: 0, ..*notice });
            known.changes = known.changes.saturating_add(notice.changes);
            known.urgent |= notice.urgent;
        }
    }

    /// The next message, if there is anything to tell. It counts as told from here on.
    pub(super) fn take(&mut self) -> Option<(u64, Vec<Changed>)> {
        (self.overflowed || !self.rooms.is_empty()).then(|| self.beat())
    }

    /// The same, even if there is nothing to tell. Urgent ones come first.
    pub(super) fn beat(&mut self) -> (u64, Vec<Changed>) {
        self.number += 1 + u64::from(std::mem::take(&mut self.overflowed));
        let mut notices: Vec<_> = self.rooms.values().copied().collect();
        if notices.len() > MOST_IN_A_MESSAGE {
            notices.sort_by_key(|notice| !notice.urgent);
            notices.truncate(MOST_IN_A_MESSAGE);
        }
        for notice in &notices {
            self.rooms.remove(&notice.room);
        }
        if self.rooms.is_empty() {
            self.rooms = HashMap::new(); // a quiet node holds no memory for its busy times
        }
        (self.number, notices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(room: i64, urgent: bool) -> Changed {
        Changed { room: RoomId::new(room).unwrap(), changes: 1, urgent }
    }

    #[test]
    fn what_waits_for_one_room_becomes_one_notice_and_stays_urgent() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.take(), None, "nothing to tell is not told");
        outbox.add(&[notice(7, false), notice(7, true)]);
        outbox.add(&[notice(7, false)]);
        assert_eq!(outbox.take(), Some((1, vec![Changed { changes: 3, ..notice(7, true) }])));
        assert_eq!(outbox.take(), None);
        assert_eq!(outbox.beat(), (2, vec![]));
    }

    #[test]
    fn many_rooms_leave_in_several_messages_the_urgent_first_each_once() {
        let mut outbox = Outbox::default();
        let last = 2 * MOST_IN_A_MESSAGE as i64 + 1;
        outbox.add(&(1..=last).map(|room| notice(room, room == last)).collect::<Vec<_>>());
        let mut told = Vec::new();
        for number in 1..=3 {
            let (n, notices) = outbox.take().unwrap();
            assert_eq!(n, number);
            told.extend(notices.iter().map(|notice| notice.room.get()));
        }
        assert_eq!((outbox.take(), told[0]), (None, last));
        told.sort_unstable();
        assert_eq!(told, (1..=last).collect::<Vec<_>>());
    }

    #[test]
    fn too_many_rooms_are_forgotten_and_a_number_is_skipped_so_that_others_notice() {
        let mut outbox = Outbox::default();
        outbox.beat();
        for room in 1..=MOST_ROOMS as i64 + 1 {
            outbox.add(&[notice(room, false)]);
        }
        let (number, notices) = outbox.take().unwrap();
        assert_eq!((number, notices.len()), (3, 1), "1, then a gap");
        outbox.add(&[notice(1, false)]);
        assert_eq!(outbox.take().unwrap().0, 4, "one gap is enough");
    }
}
