//! The other nodes, as far as they were heard, and whether anything is missing between.
//!
//! Pure: the clock is the caller's.

use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A node that was silent for so long is gone, or will be as good as new: thirty beats.
const FORGET: Duration = Duration::from_secs(150);

/// A node of which so long nothing was heard is gone, or on another bus than we are: three beats.
const SILENT: Duration = Duration::from_secs(15);

/// Nodes remembered. More are no deployment but somebody who plays with the channel.
const MOST: usize = 1_024;

/// What a message is to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The next one.
    Next,
    /// The first of its node, whose earlier ones, or its predecessor's last ones, nobody here has heard.
    New,
    /// Not the next one: something was lost between, or came twice.
    Gap,
}

/// The other nodes.
#[derive(Debug, Default)]
pub(super) struct Peers(HashMap<Uuid, Peer>);

#[derive(Debug)]
struct Peer {
    /// Of its last message.
    number: u64,
    when: Instant,
    /// That it has become silent was noticed.
    silent: bool,
}

/// How many are heard, and whether one of them is no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) heard: usize,
    pub(super) fell_silent: bool,
}

impl Peers {
    pub(super) fn heard(&mut self, node: Uuid, number: u64, now: Instant) -> Heard {
        match self.0.insert(node, Peer { number, when: now, silent: false }) {
            Some(last) if last.number.checked_add(1) == Some(number) => Heard::Next,
            Some(_) => Heard::Gap,
            None => {
                self.0.retain(|_, peer| now.saturating_duration_since(peer.when) < FORGET);
                if self.0.len() > MOST {
                    self.0 = HashMap::new();
                }
                Heard::New
            }
        }
    }

    /// Looks who is there.
    pub(super) fn look(&mut self, now: Instant) -> Look {
        let mut look = Look { heard: 0, fell_silent: false };
        for peer in self.0.values_mut() {
            if now.saturating_duration_since(peer.when) < SILENT {
                look.heard += 1;
            } else {
                look.fell_silent |= !std::mem::replace(&mut peer.silent, true);
            }
        }
        look
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_the_next_number_is_a_gap() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut heard = |node, number| peers.heard(node, number, now);
        assert_eq!(heard(one, 1), Heard::New);
        assert_eq!(heard(two, 40), Heard::New, "wherever it is by now");
        assert_eq!((heard(one, 2), heard(two, 41)), (Heard::Next, Heard::Next));
        assert_eq!((heard(one, 4), heard(one, 5)), (Heard::Gap, Heard::Next));
        assert_eq!((heard(two, 41), heard(two, 40), heard(two, 41)), (Heard::Gap, Heard::Gap, Heard::Next));
    }

    #[test]
    fn a_node_that_was_silent_for_long_is_a_new_one() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        peers.heard(one, 1, start);
        assert_eq!(peers.heard(two, 1, start + FORGET), Heard::New);
        assert_eq!(peers.heard(one, 2, start + FORGET), Heard::New);
    }

    #[test]
    fn who_misses_three_beats_is_counted_no_more_and_noticed_once() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let all = |heard, fell_silent| Look { heard, fell_silent };
        assert_eq!(peers.look(start), all(0, false));
        peers.heard(one, 1, start);
        peers.heard(two, 1, start + Duration::from_secs(5));
        assert_eq!(peers.look(start + Duration::from_secs(14)), all(2, false));
        assert_eq!(peers.look(start + Duration::from_secs(15)), all(1, true));
        assert_eq!(peers.look(start + Duration::from_secs(16)), all(1, false));
        assert_eq!(peers.heard(one, 2, start + Duration::from_secs(17)), Heard::Next);
        assert_eq!(peers.look(start + Duration::from_secs(20)), all(1, true), "the other one");
        assert_eq!(peers.look(start + Duration::from_secs(32)), all(0, true), "the first one again");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        for node in 0..10 * MOST as u128 {
            assert_eq!(peers.heard(Uuid::from_u128(node), 1, now), Heard::New);
            assert!(peers.0.len() <= MOST);
        }
    }
}
