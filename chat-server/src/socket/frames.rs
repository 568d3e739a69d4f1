//! WebSocket frames as the server writes them: whole, unmasked and without extensions, so that one
//! rendering serves all who listen to a room.

use bytes::Bytes;
use chat_protocol::{CloseCode, ServerFrame};
use tungstenite::Utf8Bytes;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode as Number, Data, OpCode};

/// The frame around a whole message.
pub(super) fn message(kind: Data, payload: &[u8]) -> Bytes {
    let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
    let length = payload.len() as u64;
    let mut frame = Vec::with_capacity(header.len(length) + payload.len());
    // A Vec takes whatever is written.
    let _ = header.format(length, &mut frame);
    frame.extend_from_slice(payload);
    frame.into()
}

/// A frame of the protocol's.
pub(crate) fn server(frame: &ServerFrame) -> Bytes {
    // Strings and numbers: serialising them cannot fail.
    message(Data::Text, &serde_json::to_vec(frame).unwrap_or_default())
}

/// Why the connection ends.
pub(super) fn close(code: CloseCode) -> CloseFrame {
    CloseFrame { code: Number::from(code.number()), reason: Utf8Bytes::from_static(code.code().title()) }
}

/// The peer has broken the WebSocket protocol itself, for which RFC 6455, 7.4.1 has the numbers.
pub(super) fn close_with(code: Number, reason: &'static str) -> CloseFrame {
    CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
}

/// What a frame of ours holds.
#[cfg(test)]
pub(crate) fn payload(frame: &[u8]) -> &[u8] {
    let header = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    &frame[header..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_takes_as_many_bytes_as_it_needs() {
        for (length, header) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 255, 255]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = message(Data::Text, &vec![b'x'; length]);
            assert_eq!(frame[..header.len()], header);
            assert_eq!(frame.len(), header.len() + length);
        }
    }

    #[test]
    fn every_reason_fits_a_close_frame() {
        for code in CloseCode::ALL {
            let frame = close(*code);
            assert_eq!(u16::from(frame.code), code.number());
            assert!(frame.code.is_allowed() && (1..=123).contains(&frame.reason.len()), "{frame:?}");
        }
    }
}
