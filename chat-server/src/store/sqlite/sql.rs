//! Every statement that SQLite is asked on the way of a request. Each finds its rows by an index, which a test reads
//! off the plans of all of them; what a command asks has a table of its own.

use crate::store::sql::{Sql, statements};
use rusqlite::{CachedStatement, Connection};

/// Asks by name.
pub(super) trait Ask {
    /// The statement, prepared the first time.
    fn ask(&self, sql: Sql) -> rusqlite::Result<CachedStatement<'_>>;
}

impl Ask for Connection {
    fn ask(&self, sql: Sql) -> rusqlite::Result<CachedStatement<'_>> {
        self.prepare_cached(sql.0)
    }
}

/// A statement with the columns that `rows::message` reads, in its order, in the gap.
macro_rules! with_message_columns {
    ($before:expr, $after:literal) => {
        concat!(
            $before,
            "m.id, m.seq, m.sender, m.text, m.sent_at, m.edited_at, m.deleted, m.transaction_id",
            $after
        )
    };
}
pub(super) use with_message_columns;

/// What the member `me` has not read: others' messages beyond the marker, without the deleted ones.
/// Found by the primary key from the marker on, so it costs what is unread, not what the room holds.
macro_rules! unread {
    () => {
        "(SELECT count(*) FROM messages u
           WHERE u.room = me.room AND u.id > me.read_marker AND u.sender <> me.user AND NOT u.deleted)"
    };
}

statements! {
    /// Whether the database answers.
    PING = "SELECT EXISTS (SELECT 1 FROM rooms)";

    /// What a member may know of a room, and whether this is one.
    ACCESS =
        "SELECT r.last_seq, r.last_id, r.removals, m.user IS NOT NULL
           FROM rooms r LEFT JOIN members m ON m.room = r.id AND m.user = ?2
          WHERE r.id = ?1";

    /// How far a room is.
    HEAD = "SELECT last_seq, removals FROM rooms WHERE id = ?1";

    /// Makes a room.
    INSERT_ROOM =
        "INSERT INTO rooms (title, created_at, creator, creation_key, creation_digest) VALUES (?1, ?2, ?3, ?4, ?5)
         RETURNING id";

    /// The room that a key has made before.
    ROOM_BY_KEY =
        "SELECT id, created_at, creation_digest FROM rooms WHERE creator = ?1 AND creation_key = ?2";

    /// The rooms of a user.
    ROOMS_OF = with_message_columns!(
        concat!("SELECT r.id, r.title, ", unread!(), ", nullif(me.read_marker, 0), m.id IS NOT NULL, "),
        " FROM members me
           JOIN rooms r ON r.id = me.room
           LEFT JOIN messages m ON m.room = r.id AND m.id = r.last_id
          WHERE me.user = ?1
          ORDER BY me.room"
    );

    /// Lets somebody in, with nothing unread.
    INSERT_MEMBER =
        "INSERT INTO members (room, user, read_marker)
         SELECT id, ?2, last_id FROM rooms WHERE id = ?1
         ON CONFLICT DO NOTHING";

    /// Takes somebody out.
    DELETE_MEMBER = "DELETE FROM members WHERE room = ?1 AND user = ?2";

    /// Counts that.
    COUNT_REMOVAL = "UPDATE rooms SET removals = removals + 1 WHERE id = ?1";

    /// Everybody in a room.
    MEMBERS = "SELECT user FROM members WHERE room = ?1";

    /// Moves a read marker forward.
    ADVANCE_MARKER = "UPDATE members SET read_marker = ?3 WHERE room = ?1 AND user = ?2 AND read_marker < ?3";

    /// Where a marker is and what lies beyond it.
    MARKER = concat!(
        "SELECT me.read_marker, ",
        unread!(),
        " FROM members me WHERE me.room = ?1 AND me.user = ?2"
    );

    /// What a key has stored before.
    BY_KEY = with_message_columns!(
        "SELECT m.text_digest, ",
        " FROM messages m WHERE m.room = ?1 AND m.sender = ?2 AND m.transaction_id = ?3"
    );

    /// One message.
    BY_ID = with_message_columns!("SELECT ", " FROM messages m WHERE m.room = ?1 AND m.id = ?2");

    /// What changed after a cursor.
    AFTER = with_message_columns!(
        "SELECT ",
        " FROM messages m WHERE m.room = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3"
    );

    /// The newest messages before an id, newest first.
    BEFORE = with_message_columns!(
        "SELECT ",
        " FROM messages m WHERE m.room = ?1 AND m.id < ?2 ORDER BY m.id DESC LIMIT ?3"
    );

    /// The next id and seq.
    NEXT_ID =
        "UPDATE rooms SET last_id = last_id + 1, last_seq = last_seq + 1 WHERE id = ?1
         RETURNING last_id, last_seq";

    /// The next seq.
    NEXT_SEQ = "UPDATE rooms SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING last_seq";

    /// Stores a message.
    INSERT_MESSAGE =
        "INSERT INTO messages (room, id, seq, sender, text, sent_at, transaction_id, text_digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

    /// Gives one another text.
    EDIT = "UPDATE messages SET seq = ?3, text = ?4, edited_at = ?5 WHERE room = ?1 AND id = ?2";

    /// Takes its text, and what would tell a guess at it from another.
    DELETE = "UPDATE messages SET seq = ?3, text = '', deleted = 1, text_digest = NULL WHERE room = ?1 AND id = ?2";

    /// Of the next rooms, whether the first key of a message is old, or the room's own.
    OLD_KEYS =
        "SELECT r.id, coalesce(m.sent_at < ?2, false) OR (r.creation_key IS NOT NULL AND r.created_at < ?2)
           FROM (SELECT id, keys_from, creation_key, created_at FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?3) r
           LEFT JOIN messages m ON m.room = r.id AND m.id = r.keys_from
          ORDER BY r.id";

    /// Of a room's next messages: where they begin, the first whose key is kept, and the last.
    WHICH_KEYS =
        "SELECT r.keys_from, min(m.id) FILTER (WHERE m.sent_at >= ?2), max(m.id)
           FROM rooms r JOIN messages m ON m.room = r.id AND m.id >= r.keys_from AND m.id < r.keys_from + ?3
          WHERE r.id = ?1 GROUP BY r.id";

    /// Clears keys.
    CLEAR_KEYS =
        "UPDATE messages SET transaction_id = NULL, text_digest = NULL WHERE room = ?1 AND id >= ?2 AND id < ?3";

    /// Clears the room's own key, if it is old.
    CLEAR_CREATION =
        "UPDATE rooms SET creator = NULL, creation_key = NULL, creation_digest = NULL
          WHERE id = ?1 AND creator IS NOT NULL AND created_at < ?2";

    /// Remembers up to where.
    KEYS_FROM = "UPDATE rooms SET keys_from = ?2 WHERE id = ?1";
}

#[cfg(test)]
mod tests;
