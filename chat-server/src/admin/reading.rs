//! Reads a room's file and believes nothing: every line is checked as far as it can be without the database, and what
//! is wrong is told by line and field. What is held is one line.
//!
//! The database tells the rest: that no two messages have the same `seq`, nor two of a sender's the same key.

use super::format::{End, FORMAT, Header, Line, Trailer, VERSION, hex};
use crate::store::admin::Member;
use crate::title::title;
use chat_protocol::limits::MAX_REQUEST_BYTES;
use chat_protocol::{Message, MessageId, MessageText, Seq, Timestamp, TransactionId, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{self, BufRead, Read};

/// Most bytes of the first line: a hundred thousand members with the longest names.
const MAX_HEADER_BYTES: usize = 16 << 20;

/// Most bytes of any other line: a message takes no more here than in the request that made it.
const MAX_LINE_BYTES: usize = MAX_REQUEST_BYTES;

/// What is wrong with a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// From 1.
    pub(crate) line: i64,
    /// Which field, if it is one.
    pub(crate) field: Option<&'static str>,
    /// In words, without what any message says.
    pub(crate) why: String,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field {
            Some(field) => write!(f, "line {}, {field}: {}", self.line, self.why),
            None => write!(f, "line {}: {}", self.line, self.why),
        }
    }
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// It is not what it should be.
    #[error("{0}")]
    Bad(BadLine),
    /// The system does not give it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// A file being read.
pub(crate) struct Reading<R> {
    from: R,
    header: Header,
    digest: Sha256,
    buffer: Vec<u8>,
    lines: i64,
    bytes: u64,
    newest: Seq,
}

impl<R: BufRead> Reading<R> {
    /// Reads the first line.
    pub(crate) fn begin(from: R) -> Result<Self, ReadError> {
        let nothing = Header {
            format: String::new(),
            version: 0,
            title: String::new(),
            created_at: Timestamp::from_millis(0),
            messages: 0,
            last_seq: Seq::START,
            members: Vec::new(),
        };
        let (digest, buffer) = (Sha256::new(), Vec::new());
        let mut reading =
            Self { from, header: nothing, digest, buffer, lines: 0, bytes: 0, newest: Seq::START };
        if !reading.next_line(MAX_HEADER_BYTES)? {
            return Err(ReadError::Bad(BadLine { line: 1, field: None, why: "the file is empty".into() }));
        }
        // Before the rest: a later version may have other fields.
        let version = serde_json::from_slice::<Map<String, Value>>(&reading.buffer)
            .ok()
            .filter(|fields| fields.get("format").is_some_and(|format| format == FORMAT))
            .ok_or_else(|| reading.bad(None, format!("not a room's file: its format should be {FORMAT:?}")))?
            .remove("version");
        if version != Some(VERSION.into()) {
            let version = version.unwrap_or_default();
            let why =
                format!("the file has version {version}, this program reads {VERSION}: use a newer one");
            return Err(reading.bad(Some("version"), why));
        }
        let header = reading.parse()?;
        reading.check(&header)?;
        reading.digest.update(&reading.buffer);
        reading.header = header;
        Ok(reading)
    }

    /// The first line.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next message; `None` once the last line has confirmed that these were all.
    pub(crate) fn message(&mut self) -> Result<Option<Message>, ReadError> {
        let limit = MAX_LINE_BYTES;
        let read = self.lines - 1;
        if !self.next_line(limit)? {
            let all = self.header.messages;
            let why = format!("the file ends here, after {read} of {all} messages: it was cut short");
            return Err(ReadError::Bad(BadLine { line: self.lines + 1, field: None, why }));
        }
        if read == self.header.messages {
            self.check_end()?;
            return Ok(None);
        }
        let message = Message::from(self.parse::<Line>()?);
        self.check_message(&message, read + 1)?;
        self.digest.update(&self.buffer);
        self.newest = self.newest.max(message.seq);
        Ok(Some(message))
    }

    /// Whether there is one; it is in `buffer` then, with its end.
    fn next_line(&mut self, limit: usize) -> Result<bool, ReadError> {
        self.buffer.clear();
        let most = limit as u64 + 1;
        let read = (&mut self.from).take(most).read_until(b'\n', &mut self.buffer)?;
        self.bytes += read as u64;
        self.lines += i64::from(read > 0);
        match read > limit {
            true => Err(self.bad(None, format!("longer than {limit} bytes"))),
            false => Ok(read > 0),
        }
    }

    fn bad(&self, field: Option<&'static str>, why: impl Into<String>) -> ReadError {
        ReadError::Bad(BadLine { line: self.lines, field, why: why.into() })
    }

    fn parse<T: Fields>(&self) -> Result<T, ReadError> {
        serde_json::from_slice(&self.buffer).map_err(|error| {
            let (field, why) = diagnose::<T>(&self.buffer, &error);
            self.bad(field, why)
        })
    }

    fn check(&self, header: &Header) -> Result<(), ReadError> {
        match title(&header.title) {
            Ok(trimmed) if trimmed == header.title => {}
            Ok(_) => return Err(self.bad(Some("title"), "white space around it")),
            Err(why) => return Err(self.bad(Some("title"), why)),
        }
        if header.messages < 0 {
            return Err(self.bad(Some("messages"), "a count is 0 or more"));
        }
        if header.last_seq.get() < header.messages {
            let why = format!("{} changes cannot have made {} messages", header.last_seq, header.messages);
            return Err(self.bad(Some("last_seq"), why));
        }
        let mut names = HashSet::new();
        for Member { user, read_marker } in &header.members {
            if !names.insert(user) {
                return Err(self.bad(Some("members"), format!("{user} is named twice")));
            }
            if !(0..=header.messages).contains(read_marker) {
                let why = format!("{user} has read up to {read_marker} of {} messages", header.messages);
                return Err(self.bad(Some("members"), why));
            }
        }
        Ok(())
    }

    fn check_message(&self, message: &Message, id: i64) -> Result<(), ReadError> {
        if message.id.get() != id {
            let why = format!("{} where {id} comes next: ids leave out none", message.id);
            return Err(self.bad(Some("id"), why));
        }
        let last = self.header.last_seq;
        if message.seq == Seq::START || message.seq > last {
            let why = format!("{} is not between 1 and the first line's last_seq, {last}", message.seq);
            return Err(self.bad(Some("seq"), why));
        }
        if message.deleted {
            return match message.text.is_empty() {
                true => Ok(()),
                false => Err(self.bad(Some("text"), "a deleted message has none")),
            };
        }
        match MessageText::new(&message.text) {
            Ok(text) if text.as_str() == message.text => Ok(()),
            Ok(_) => Err(self.bad(Some("text"), "not normalised (NFC), or white space around it")),
            Err(why) => Err(self.bad(Some("text"), why.to_string())),
        }
    }

    /// The last line, and that it is the last.
    fn check_end(&mut self) -> Result<(), ReadError> {
        let End { messages, sha256 } = self.parse::<Trailer>()?.end;
        if messages != self.header.messages {
            let why = format!("counts {messages} messages, the first line {}", self.header.messages);
            return Err(self.bad(Some("end"), why));
        }
        if !sha256.eq_ignore_ascii_case(&hex(&self.digest.clone().finalize())) {
            return Err(self.bad(Some("end"), "the digest is another: the file was altered"));
        }
        if self.newest != self.header.last_seq {
            let why = format!("{} is said, the newest change is {}", self.header.last_seq, self.newest);
            return Err(ReadError::Bad(BadLine { line: 1, field: Some("last_seq"), why }));
        }
        match self.next_line(MAX_LINE_BYTES)? {
            true => Err(self.bad(None, "something follows the file's last line")),
            false => Ok(()),
        }
    }
}

/// Whether a field holds what it should, by its name.
type Field = (&'static str, fn(&Value) -> Result<(), String>);

/// A line whose fields can be looked at one by one, to tell which is wrong.
trait Fields: DeserializeOwned {
    const FIELDS: &'static [Field];
}

/// Whether a value is a `T`.
fn is<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
    T::deserialize(value).map(drop).map_err(|error| error.to_string())
}

impl Fields for Header {
    const FIELDS: &'static [Field] = &[
        ("format", is::<String>),
        ("version", is::<u32>),
        ("title", is::<String>),
        ("created_at", is::<Timestamp>),
        ("messages", is::<i64>),
        ("last_seq", is::<Seq>),
        ("members", is::<Vec<Member>>),
    ];
}

impl Fields for Line {
    const FIELDS: &'static [Field] = &[
        ("id", is::<MessageId>),
        ("seq", is::<Seq>),
        ("sender", is::<UserId>),
        ("text", is::<String>),
        ("sent_at", is::<Timestamp>),
        ("edited_at", is::<Option<Timestamp>>),
        ("deleted", is::<bool>),
        ("transaction_id", is::<Option<TransactionId>>),
    ];
}

impl Fields for Trailer {
    const FIELDS: &'static [Field] = &[("end", is::<End>)];
}

/// What `error` is about. It is not passed on as it is: it counts lines from this one's start, and may quote.
fn diagnose<T: Fields>(line: &[u8], error: &serde_json::Error) -> (Option<&'static str>, String) {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(line) else {
        let column = error.column();
        let why = if error.is_eof() { "cut short" } else { "not a JSON object" };
        return (None, format!("{why} (byte {column})"));
    };
    for (name, check) in T::FIELDS {
        match fields.get(*name).map(check) {
            Some(Ok(())) => {}
            Some(Err(why)) => return (Some(name), why),
            None => return (Some(name), "missing".into()),
        }
    }
    match fields.keys().find(|name| T::FIELDS.iter().all(|(known, _)| known != name)) {
        Some(name) => (None, format!("the field {name:?} is unknown")),
        None => (None, "a field is given twice".into()),
    }
}

#[cfg(test)]
mod tests;
