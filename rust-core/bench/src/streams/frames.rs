//! As much of a WebSocket as a listener needs: where frames begin, and the answers that keep a connection alive.

/// What wants an answer, or ends the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// To be answered by a pong with the same payload.
    Ping(Vec<u8>),
    /// Engine.io's own ping, a text frame of this one byte: `2`.
    One(u8),
    /// The close code, 0 if there is none.
    Close(u16),
}

/// Walks over a server's frames (RFC 6455, 5.2), whatever pieces they come in.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    head: Vec<u8>,
    /// Of a frame that is looked into.
    payload: Vec<u8>,
    /// Of the payload, still to come.
    left: usize,
}

impl Frames {
    pub(crate) fn walk(&mut self, mut bytes: &[u8], mut found: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            if self.left == 0 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                match length(&self.head) {
                    None => continue,
                    Some(length) => self.left = length,
                }
            }
            let (now, later) = bytes.split_at(self.left.min(bytes.len()));
            if self.is_looked_into() {
                self.payload.extend_from_slice(now);
            }
            self.left -= now.len();
            bytes = later;
            if self.left == 0 {
                found_in(self.head[0] & 0x0f, std::mem::take(&mut self.payload)).map(&mut found);
                self.head.clear();
            }
        }
    }

    /// Control frames, and a text of one byte.
    fn is_looked_into(&self) -> bool {
        self.head[0] & 0x08 != 0 || self.head[1] == 1
    }
}

fn found_in(opcode: u8, payload: Vec<u8>) -> Option<Frame> {
    match (opcode, payload.as_slice()) {
        (0x1, &[byte]) => Some(Frame::One(byte)),
        (0x8, payload) => Some(Frame::Close(match payload {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        })),
        (0x9, _) => Some(Frame::Ping(payload)),
        _ => None,
    }
}

/// Of the payload, once the head is whole. A server masks nothing.
fn length(head: &[u8]) -> Option<usize> {
    let wide = match head.get(1)? & 0x7f {
        126 => head.get(2..4)?,
        127 => head.get(2..10)?,
        short => return Some(short.into()),
    };
    Some(wide.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

/// A client's frame, masked with zeros: a mask hides nothing from a server that is ours.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(125).min(125);
    let mut frame = vec![0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(&payload[..length.into()]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wants_an_answer_is_found_wherever_the_stream_is_cut() {
        let mut wire = vec![0x81, 126, 1, 0];
        wire.extend([b'x'; 256]);
        wire.extend([0x89, 2, b'h', b'i', 0x81, 0, 0x81, 1, b'2', 0x81, 127, 0, 0, 0, 0, 0, 0, 0, 1, b'y']);
        wire.extend([0x88, 4, 0x11, 0x31, b'o', b'k']);
        let expected = [Frame::Ping(b"hi".into()), Frame::One(b'2'), Frame::Close(4401)];
        for cut in 0..wire.len() {
            let (mut frames, mut found) = (Frames::default(), vec![]);
            frames.walk(&wire[..cut], |frame| found.push(frame));
            frames.walk(&wire[cut..], |frame| found.push(frame));
            found.retain(|frame| *frame != Frame::One(b'y'));
            assert_eq!(found, expected, "cut at {cut}");
        }
    }
}
