//! The reference model: what the user wanted, and nothing of how it comes about.

use chat_protocol::MessageId;
use chat_testkit::ModelServer;
use std::collections::{BTreeMap, BTreeSet};

/// What a message shall say; `None` for nothing.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) text: Option<String>,
    /// When it was accepted, and when another took its place or it was taken back.
    pub(crate) at: u64,
    pub(crate) ended: Option<u64>,
}

impl Wish {
    fn new(text: Option<String>, at: u64) -> Self {
        Self { text, at, ended: None }
    }
}

/// A message that was written on this device.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// As `send` gave it.
    pub(crate) key: i64,
    /// Everything it was to say, the newest last.
    pub(crate) wishes: Vec<Wish>,
    /// When it was taken back.
    pub(crate) gone: Option<u64>,
}

/// Which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One written on this device, by its place in the book.
    Own(usize),
    /// One written on the user's other device, by its id.
    Twin(i64),
}

/// See the module's documentation.
#[derive(Clone, Default)]
pub(crate) struct Book {
    pub(crate) own: Vec<Own>,
    pub(crate) twin: BTreeMap<i64, Vec<Wish>>,
    /// The file was corrupt at some time: what the phone knew of the server, and its keys, are gone.
    pub(crate) corrupted: bool,
    /// The keys of messages that became history before they were seen confirmed: they come back by their ids.
    pub(crate) vanished: BTreeSet<i64>,
    /// The keys of messages that were seen confirmed under them.
    pub(crate) confirmed: BTreeSet<i64>,
    /// The keys of messages that were on screen twice for a time, as happens where a server tells nobody
    /// its keys: what is done to the one is not done to the other.
    pub(crate) doubled: BTreeSet<i64>,
    /// How far the user has read, on this device.
    pub(crate) marked: i64,
}

impl Own {
    /// What it shall say, if that still holds.
    pub(crate) fn wish(&self) -> Option<&Wish> {
        self.wishes.last().filter(|wish| wish.ended.is_none())
    }

    /// Every text that it had.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.wishes.iter().filter_map(|wish| wish.text.as_deref())
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.texts().any(|t| t == text)
    }

    /// Its message, if the server has it.
    pub(crate) fn on(&self, server: &ModelServer) -> Option<MessageId> {
        self.texts().find_map(|text| server.origin(text))
    }

    /// Whether it shall be gone, here or there. Whoever edits it after that, on a screen that is behind,
    /// may have been too late.
    pub(crate) fn unwanted(&self) -> bool {
        self.gone.is_some() || self.wishes.iter().any(|wish| wish.text.is_none())
    }
}

impl Book {
    pub(crate) fn wrote(&mut self, key: i64, text: String, at: u64) {
        self.own.push(Own { key, wishes: vec![Wish::new(Some(text), at)], gone: None });
    }

    pub(crate) fn is_doubled(&self, subject: Subject) -> bool {
        matches!(subject, Subject::Own(own) if self.doubled.contains(&self.own[own].key))
    }

    pub(crate) fn by_key(&self, key: i64) -> Option<usize> {
        self.own.iter().position(|own| own.key == key)
    }

    /// Whose message `id` is, if it is one of the user's.
    pub(crate) fn subject(&self, server: &ModelServer, id: MessageId) -> Option<Subject> {
        let history = server.history(id);
        let (first, _) = history.first()?;
        match self.own.iter().position(|own| own.has(&first.text)) {
            Some(own) => Some(Subject::Own(own)),
            None if first.sender.as_str() == "alice" => Some(Subject::Twin(id.get())),
            None => None,
        }
    }

    pub(crate) fn wishes(&self, subject: Subject) -> &[Wish] {
        match subject {
            Subject::Own(own) => &self.own[own].wishes,
            Subject::Twin(id) => self.twin.get(&id).map_or(&[], Vec::as_slice),
        }
    }

    /// The newest wish for a message, if it still holds.
    pub(crate) fn wish(&self, subject: Subject) -> Option<&Wish> {
        self.wishes(subject).last().filter(|wish| wish.ended.is_none())
    }

    pub(crate) fn wished(&mut self, subject: Subject, text: Option<String>, at: u64) {
        self.took_back(subject, at);
        let wishes = match subject {
            Subject::Own(own) => &mut self.own[own].wishes,
            Subject::Twin(id) => self.twin.entry(id).or_default(),
        };
        wishes.push(Wish::new(text, at));
    }

    pub(crate) fn took_back(&mut self, subject: Subject, at: u64) {
        let wishes = match subject {
            Subject::Own(own) => &mut self.own[own].wishes,
            Subject::Twin(id) => self.twin.entry(id).or_default(),
        };
        if let Some(last) = wishes.last_mut() {
            last.ended.get_or_insert(at);
        }
    }
}
