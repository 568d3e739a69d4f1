//! The room that everything is measured on: messages of some 92 bytes, some 214 bytes of JSON each, from eight people.

/// Whose phone it is. Long, as real user ids are: the token comes to some 200 bytes.
pub(crate) const ME: &str = "id.chat.example.com|user-0f8fad5b-d9cb-469f-a165-70867728950e";

/// When message 0 was said; one comes every second.
const BEGINNING: i64 = 1_767_323_045_678;

const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];

const WORDS: [&str; 24] = [
    "the",
    "lunch",
    "we",
    "at",
    "noon",
    "점심",
    "again",
    "where",
    "station",
    "late",
    "a",
    "maybe",
    "좋아요",
    "train",
    "it",
    "tomorrow",
    "is",
    "café",
    "people",
    "see",
    "you",
    "rain",
    "then",
    "question",
];

/// A message table as the cache's own, without what belongs to the outbox.
pub(crate) const TABLE: &str = "
    CREATE TABLE message (
        room      INTEGER NOT NULL,
        id        INTEGER NOT NULL,
        seq       INTEGER NOT NULL,
        sender    TEXT    NOT NULL,
        text      TEXT    NOT NULL,
        sent_at   INTEGER NOT NULL,
        edited_at INTEGER,
        deleted   INTEGER NOT NULL,
        PRIMARY KEY (room, id)
    ) STRICT, WITHOUT ROWID";

/// One row of it.
pub(crate) const INSERT: &str = "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// A message as its room numbers it.
pub(crate) struct Said {
    pub(crate) sender: &'static str,
    pub(crate) text: String,
    pub(crate) sent_at: i64,
}

/// Message `id`, the same every time.
pub(crate) fn said(id: i64) -> Said {
    let mut random = fastrand::Rng::with_seed(id.unsigned_abs());
    let length = random.usize(60..=124);
    let mut text = String::with_capacity(length);
    loop {
        let word = WORDS[random.usize(..WORDS.len())];
        if text.len() + word.len() > length {
            break;
        }
        text += word;
        text.push(' ');
    }
    text.truncate(text.trim_end().len());
    Said { sender: PEOPLE[random.usize(..PEOPLE.len())], text, sent_at: BEGINNING + 1_000 * id }
}
