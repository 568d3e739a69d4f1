//! The other nodes, as far as they were heard, and whether anything is missing between.
//!
//! Pure: the clock is the caller's.

use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A node that was silent for so long is gone, or will be as good as new: thirty beats.
const FORGET: Duration = Duration::from_secs(150);

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

#[derive(Debug, Default)]
pub(super) struct Peers(HashMap<Uuid, (u64, Instant)>);

impl Peers {
    pub(super) fn heard(&mut self, node: Uuid, number: u64, now: Instant) -> Heard {
        match self.0.insert(node, (number, now)) {
            Some((last, _)) if last.checked_add(1) == Some(number) => Heard::Next,
            Some(_) => Heard::Gap,
            None => {
                self.0.retain(|_, (_, when)| now.saturating_duration_since(*when) < FORGET);
                if self.0.len() > MOST {
                    self.0 = HashMap::new();
                }
                Heard::New
            }
        }
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
    fn what_is_remembered_is_bounded() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        for node in 0..10 * MOST as u128 {
            assert_eq!(peers.heard(Uuid::from_u128(node), 1, now), Heard::New);
            assert!(peers.0.len() <= MOST);
        }
    }
}
