//! Table `draft`: what the user typed in a room and did not send. Whatever it is, as it was typed: a draft may be too
//! long or blank, and is refused only when it is sent.

use crate::EngineError;
use chat_protocol::{MessageText, RoomId};
use rusqlite::{Connection, OptionalExtension, params};

/// What stands in the room's text box; empty when nothing does.
pub(crate) fn draft(connection: &Connection, room: RoomId) -> Result<String, EngineError> {
    let found = connection
        .prepare_cached("SELECT text FROM draft WHERE room = ?1")?
        .query_row([room.get()], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Keeps `text` in the place of what was kept; an empty one takes it away.
pub(crate) fn save_draft(connection: &Connection, room: RoomId, text: &str) -> Result<(), EngineError> {
    if text.is_empty() {
        return delete(connection, room);
    }
    let sql = "INSERT INTO draft (room, text) VALUES (?1, ?2)
               ON CONFLICT (room) DO UPDATE SET text = excluded.text WHERE text <> excluded.text";
    connection.prepare_cached(sql)?.execute(params![room.get(), text])?;
    Ok(())
}

/// `text` is about to be sent: in the same transaction the draft that it was is gone, or a crash between the two
/// would offer it for sending again. What is kept may be a moment older than what was sent, its beginning; anything
/// else is another text, as when a notification is answered while a draft waits.
pub(super) fn sent(connection: &Connection, room: RoomId, text: &MessageText) -> Result<(), EngineError> {
    // Compared as it would be sent: trimmed and composed.
    match MessageText::new(&draft(connection, room)?) {
        Ok(draft) if text.as_str().starts_with(draft.as_str()) => delete(connection, room),
        _ => Ok(()),
    }
}

fn delete(connection: &Connection, room: RoomId) -> Result<(), EngineError> {
    connection.prepare_cached("DELETE FROM draft WHERE room = ?1")?.execute([room.get()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use chat_protocol::{Timestamp, TransactionId, UserId};

    struct TextBox {
        cache: Cache,
        room: RoomId,
        _folder: tempfile::TempDir,
    }

    impl TextBox {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache::open(folder.path(), "c.sqlite3").unwrap();
            Self { cache, room: RoomId::new(1).unwrap(), _folder: folder }
        }

        fn types(&self, text: &str) {
            self.cache.commit(|t| save_draft(t, self.room, text), |()| ()).unwrap();
        }

        fn sends(&self, text: &str) {
            let (me, text) = (UserId::new("alice").unwrap(), MessageText::new(text).unwrap());
            let transaction = TransactionId::new(uuid::Uuid::new_v4().to_string()).unwrap();
            let add = |t: &rusqlite::Transaction<'_>| {
                crate::cache::add(t, self.room, &me, &text, &transaction, Timestamp::now())
            };
            self.cache.commit(add, |_| ()).unwrap();
        }

        fn holds(&self) -> String {
            self.cache.read(|c| draft(c, self.room)).unwrap()
        }
    }

    #[test]
    fn a_draft_is_kept_as_it_was_typed_and_an_empty_one_is_none() {
        let at = TextBox::new();
        assert_eq!(at.holds(), "");
        at.types("  half a thou");
        at.types("  half a thought\n");
        assert_eq!(at.holds(), "  half a thought\n");
        assert_eq!(at.cache.read(|c| draft(c, RoomId::new(2).unwrap())).unwrap(), "", "another room's box");
        at.types("");
        assert_eq!(at.holds(), "");
    }

    #[test]
    fn what_is_sent_is_no_draft_any_more_and_neither_is_its_beginning() {
        let at = TextBox::new();
        // Hangul as some keyboards spell it, letter by letter; it is sent composed.
        for typed in ["see you", " see you", "see", "\u{1112}\u{1161}\u{11ab}"] {
            at.types(typed);
            at.sends(if typed.contains("see") { "see you " } else { "한글" });
            assert_eq!(at.holds(), "", "{typed}");
        }
    }

    #[test]
    fn another_text_leaves_the_draft_alone() {
        let at = TextBox::new();
        for typed in ["a long answer", "answered by a notification, and more", "   "] {
            at.types(typed);
            at.sends("answered by a notification");
            assert_eq!(at.holds(), typed);
        }
    }
}
