//! How fast a peer is read: a token bucket of frames.
//!
//! Who sends faster waits, as the network makes everybody wait; nothing is refused for it. An outbox on a good
//! network sends each message when the one before is answered, which is hundreds a second.
//!
//! Frames are counted where bytes come in, by their heads: a message may come in any number of pieces, empty ones too,
//! and whoever counts messages would have read all of them before the first is counted.

use std::time::Duration;
use tokio::time::Instant;

/// Frames a second that may go on for ever: pings, pongs and sends. A person types one in a second.
const PER_SECOND: f32 = 50.0;

/// Frames at once: what was written in a tunnel goes up without a wait.
const BURST: f32 = 100.0;

/// What is read at once beyond the frame that is under way. In as many bytes are 85 frames at the most, so that who sends
/// those waits for seconds and not for minutes.
const BEYOND: usize = 512;

/// How a peer may be read.
pub(super) struct Pace {
    /// None: as fast as it sends.
    bucket: Option<Bucket>,
    frames: Frames,
    stopped: Option<Instant>,
}

impl Pace {
    /// As said above.
    pub(super) fn new(now: Instant) -> Self {
        Self { bucket: Some(Bucket { left: BURST, since: now }), ..Self::unbounded() }
    }

    /// As fast as it sends: for a suite that sends more than people do.
    pub(super) fn unbounded() -> Self {
        Self { bucket: None, frames: Frames::default(), stopped: None }
    }

    /// Whether more may be read now. If not, [`Pace::stopped`] has the time from which on it may.
    pub(super) fn may_read(&mut self) -> bool {
        let wait = self.bucket.as_ref().and_then(Bucket::wait);
        self.stopped = wait.filter(|until| *until > Instant::now());
        self.stopped.is_none()
    }

    /// Until when somebody who wanted to read did not, told once: nothing that comes wakes whoever did not look for it.
    pub(super) fn stopped(&mut self) -> Option<Instant> {
        self.stopped.take()
    }

    /// How many bytes may be read at once.
    pub(super) fn most(&self) -> usize {
        usize::try_from(self.frames.rest).unwrap_or(usize::MAX).saturating_add(BEYOND)
    }

    /// These have been read.
    pub(super) fn took(&mut self, bytes: &[u8], now: Instant) {
        let begun = self.frames.count(bytes);
        if let Some(bucket) = &mut self.bucket {
            bucket.take(begun, now);
        }
    }
}

struct Bucket {
    left: f32,
    since: Instant,
}

impl Bucket {
    /// From when on the next frame may be read; `None`: at once.
    fn wait(&self) -> Option<Instant> {
        (self.left < 1.0).then(|| self.since + Duration::from_secs_f32((1.0 - self.left) / PER_SECOND))
    }

    fn take(&mut self, frames: u32, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs_f32();
        self.left = (self.left + passed * PER_SECOND).min(BURST) - frames as f32;
        self.since = now;
    }
}

/// Where frames begin in what a peer sends (RFC 6455, 5.2).
#[derive(Default)]
struct Frames {
    /// Of the head that is coming.
    head: [u8; 14],
    have: usize,
    /// Bytes still to come of the frame whose head has come.
    rest: u64,
}

impl Frames {
    /// How many begin in these bytes.
    fn count(&mut self, mut bytes: &[u8]) -> u32 {
        let mut begun = 0;
        while !bytes.is_empty() {
            let payload = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
            self.rest -= payload as u64;
            bytes = &bytes[payload..];
            if let Some((next, others)) = bytes.split_first() {
                begun += u32::from(self.have == 0);
                self.head[self.have] = *next;
                self.have += 1;
                bytes = others;
                self.read_head();
            }
        }
        begun
    }

    fn read_head(&mut self) {
        if self.have < 2 {
            return;
        }
        let short = u64::from(self.head[1] & 0x7F);
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        if self.have == 2 + extended + mask {
            let long = |length, byte: &u8| length << 8 | u64::from(*byte);
            self.rest = match extended {
                0 => short,
                _ => self.head[2..2 + extended].iter().fold(0, long),
            };
            self.have = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are read then, if there are as many as one likes.
    fn read(bucket: &mut Bucket, now: Instant) -> usize {
        let mut read = 0;
        while bucket.wait().is_none_or(|at| at <= now) {
            bucket.take(1, now);
            read += 1;
        }
        read
    }

    #[test]
    fn a_burst_passes_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket { left: BURST, since: start };
        let mut read = |at: Duration| read(&mut bucket, start + at);
        assert_eq!(read(Duration::ZERO), 100);
        assert_eq!(read(Duration::from_millis(1_001)), 50);
        assert_eq!(read(Duration::from_millis(1_022)), 1);
        assert_eq!(read(Duration::from_secs(3_600)), 100, "what was not used is not kept for ever");
        let steady = |round| read(Duration::from_secs(3_600) + Duration::from_millis(round * 21));
        assert!((10_498..=10_500).contains(&(1..=10_000_u64).map(steady).sum::<usize>()));
    }

    #[test]
    fn who_was_read_too_far_waits_for_all_of_it() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.took(&[0x00, 0x80, 0, 0, 0, 0].repeat(200), start);
        let until = pace.bucket.unwrap().wait().unwrap();
        assert_eq!(
            (until - start).as_millis().next_multiple_of(20),
            2_020,
            "a hundred frames and the next one"
        );
    }

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let mut bytes = Vec::new();
        for length in [0_usize, 1, 125, 126, 65_535, 65_536] {
            let (code, extended) = match length {
                0..=125 => (length as u8, vec![]),
                126..=65_535 => (126, (length as u16).to_be_bytes().to_vec()),
                _ => (127, (length as u64).to_be_bytes().to_vec()),
            };
            for (mask, key) in [(0x80, &[1, 2, 3, 4][..]), (0, &[])] {
                bytes.extend([0x01, mask | code]);
                bytes.extend([&extended, key, &vec![0xFF; length]].concat());
            }
        }
        for cut in [1, 2, 3, 7, 512, bytes.len()] {
            let mut frames = Frames::default();
            let counted: u32 = bytes.chunks(cut).map(|chunk| frames.count(chunk)).sum();
            assert_eq!((counted, frames.have, frames.rest), (12, 0, 0), "{cut}");
        }
    }

    #[test]
    fn no_more_is_read_at_once_than_the_frame_under_way_and_a_little() {
        let mut pace = Pace::new(Instant::now());
        assert_eq!(pace.most(), BEYOND);
        pace.took(&[0x81, 0x80 | 126, 0x10, 0x00, 0, 0, 0, 0, b'x'], Instant::now());
        assert_eq!(pace.most(), 4_095 + BEYOND);
        pace.took(&[0x81, 0x80 | 127, 0xFF, 0xFF], Instant::now());
        assert_eq!(pace.most(), 4_091 + BEYOND);
    }
}
