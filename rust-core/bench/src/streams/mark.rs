//! A mark in the text of a message: its number and when it was written, found again in whatever carries it.

use memchr::memmem;
use std::time::Duration;

/// What a mark begins with. JSON leaves it alone, and nothing else on these wires has two in a row.
const OPEN: &[u8] = b"[[";

/// `[[000017 0000001234567890]]`
const LENGTH: usize = 27;

/// A message's number, and when it was written, since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) number: usize,
    pub(crate) at: Duration,
}

impl Mark {
    /// The text of a message that carries it, of `length` bytes.
    pub(crate) fn text(self, length: usize) -> String {
        const FILLER: &str = "see you at the station, maybe a little late again ";
        let mut text = format!("[[{:06} {:016}]] ", self.number, self.at.as_nanos());
        text.extend(FILLER.chars().cycle().take(length.saturating_sub(text.len())));
        // What ends in white space is trimmed by the server.
        text.trim_end().to_owned()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let inner = bytes.strip_prefix(OPEN)?.strip_suffix(b"]]")?;
        let (number, at) = str::from_utf8(inner).ok()?.split_once(' ')?;
        Some(Self { number: number.parse().ok()?, at: Duration::from_nanos(at.parse().ok()?) })
    }

    /// The first one in `text`.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let at = memmem::find(text.as_bytes(), OPEN)?;
        Self::read(text.as_bytes().get(at..at + LENGTH)?)
    }
}

/// Finds marks in a stream of bytes that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// A mark's beginning that ended the piece before.
    rest: Vec<u8>,
}

impl Scanner {
    pub(crate) fn scan(&mut self, bytes: &[u8], mut found: impl FnMut(Mark)) {
        if self.rest.is_empty() {
            let kept = scan(bytes, &mut found);
            self.rest.extend_from_slice(&bytes[kept..]);
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(bytes);
            let kept = scan(&joined, &mut found);
            joined.drain(..kept);
            self.rest = joined;
        }
    }
}

/// Returns where a mark begins that is not whole.
fn scan(bytes: &[u8], found: &mut impl FnMut(Mark)) -> usize {
    let mut at = 0;
    while let Some(next) = memmem::find(&bytes[at..], OPEN) {
        at += next;
        let Some(mark) = bytes.get(at..at + LENGTH) else { return at };
        if let Some(mark) = Mark::read(mark) {
            found(mark);
        }
        at += OPEN.len();
    }
    bytes.len() - usize::from(bytes[at..].ends_with(&OPEN[..1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_wherever_the_stream_is_cut() {
        let marks = [1, 2, 300].map(|number| Mark { number, at: Duration::from_nanos(77) });
        let wire: String = marks.iter().map(|mark| format!("{{[\"{}\"]}}", mark.text(60))).collect();
        for first in 0..wire.len() {
            for second in first..wire.len() {
                let (mut scanner, mut heard) = (Scanner::default(), vec![]);
                for piece in [&wire[..first], &wire[first..second], &wire[second..]] {
                    scanner.scan(piece.as_bytes(), |mark| heard.push(mark));
                }
                assert_eq!(heard, marks, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn a_text_has_the_length_asked_for_and_its_mark() {
        let mark = Mark { number: 7, at: Duration::from_millis(5) };
        let text = mark.text(92);
        assert!((90..=92).contains(&text.len()), "{text:?}");
        assert_eq!(Mark::find(&text), Some(mark));
    }
}
