//! Writes a room's file, line by line: what is held is one line, whatever the room holds.

use super::format::{End, Header, Line, Trailer, hex};
use chat_protocol::Message;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// Writes to `W`, which should buffer.
pub(crate) struct Writing<W> {
    to: W,
    digest: Sha256,
    line: Vec<u8>,
    messages: i64,
    bytes: u64,
}

impl<W: Write> Writing<W> {
    /// Begins with the first line.
    pub(crate) fn begin(to: W, header: &Header) -> io::Result<Self> {
        let mut writing = Self { to, digest: Sha256::new(), line: Vec::new(), messages: 0, bytes: 0 };
        writing.line(header)?;
        Ok(writing)
    }

    /// The next message, by id.
    pub(crate) fn message(&mut self, message: Message) -> io::Result<()> {
        self.messages += 1;
        self.line(&Line::from(message))
    }

    /// The last line. Without it no file is whole. Returns what was written to, flushed, and how many bytes it took.
    pub(crate) fn end(mut self) -> io::Result<(W, u64)> {
        let sha256 = hex(&self.digest.clone().finalize());
        self.line(&Trailer { end: End { messages: self.messages, sha256 } })?;
        self.to.flush()?;
        Ok((self.to, self.bytes))
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.bytes += self.line.len() as u64;
        self.to.write_all(&self.line)
    }
}
