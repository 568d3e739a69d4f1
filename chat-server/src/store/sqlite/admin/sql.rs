//! Every statement that SQLite is asked by a command.

use super::super::sql::with_message_columns;
use crate::store::sql::statements;

/// The columns of a [`RoomInfo`](crate::store::admin::RoomInfo). The last is the newest id that there is, beyond
/// `last_id` only in an import.
macro_rules! room_info {
    ($after:literal) => {
        concat!(
            "SELECT r.id, r.title, r.created_at, (SELECT count(*) FROM members WHERE room = r.id), r.last_id, r.last_seq,
                    (SELECT max(id) FROM messages WHERE room = r.id)
               FROM rooms r ",
            $after
        )
    };
}

statements! {
    /// All rooms.
    ROOMS = room_info!("ORDER BY r.id");

    /// One of them.
    ROOM = room_info!("WHERE r.id = ?1");

    /// Who is in a room.
    MEMBERS = "SELECT user, read_marker FROM members WHERE room = ?1 ORDER BY user";

    /// A page of its messages, by id.
    MESSAGES = with_message_columns!(
        "SELECT ",
        " FROM messages m WHERE m.room = ?1 AND m.id > ?2 ORDER BY m.id LIMIT ?3"
    );

    /// Keeps an imported message.
    INSERT_MESSAGE =
        "INSERT INTO messages
             (room, id, seq, sender, text, sent_at, edited_at, deleted, transaction_id, text_digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

    /// Makes an import an ordinary room.
    FINISH_ROOM = "UPDATE rooms SET last_id = ?2, last_seq = ?3 WHERE id = ?1";
    INSERT_MEMBER = "INSERT INTO members (room, user, read_marker) VALUES (?1, ?2, ?3)";

    /// Takes away the end of an import, and at last the room.
    DELETE_MESSAGES = "DELETE FROM messages WHERE room = ?1 AND id > ?2";
    DELETE_ROOM = "DELETE FROM rooms WHERE id = ?1";
}
