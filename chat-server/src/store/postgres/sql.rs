//! Every statement that PostgreSQL is asked on the way of a request. Each is short and finds its rows by an index, which a
//! test reads off the plans of all of them; what a command asks has a table of its own.

use crate::store::sql::statements;

/// A statement with the columns that `rows::message` reads, in its order, in the gap.
macro_rules! with_message_columns {
    ($before:expr, $after:expr) => {
        concat!(
            $before,
            "m.id, m.seq, m.sender, m.text, m.sent_at, m.edited_at, m.deleted, m.transaction_id",
            $after
        )
    };
}

/// Messages of room `r` as `m`, until so many bytes are full: `ahead` is what the rows before one weigh, no
/// more than they do in JSON, so that what the answer has no place for is not sent over the network.
macro_rules! page_of {
    ($which:literal, $order:literal, $limit:literal, $bytes:literal) => {
        concat!(
            " LEFT JOIN LATERAL (SELECT * FROM (
                SELECT w.*, sum(256 + octet_length(w.text)) OVER (ORDER BY ",
            $order,
            " ROWS UNBOUNDED PRECEDING) - 256 - octet_length(w.text) AS ahead
                  FROM (SELECT * FROM messages w WHERE w.room = r.id AND ",
            $which,
            " ORDER BY ",
            $order,
            " LIMIT ",
            $limit,
            ") w) w WHERE w.ahead < ",
            $bytes,
            ") m ON true"
        )
    };
}

/// What the member `me` has not read: others' messages beyond the marker, without the deleted ones.
macro_rules! unread {
    () => {
        "(SELECT count(*) FROM messages u
           WHERE u.room = me.room AND u.id > me.read_marker AND u.sender <> me.user_id AND NOT u.deleted)"
    };
}

/// A page's head: the room, and whether `$2` is in it.
macro_rules! for_member {
    () => {
        "SELECT r.last_seq, r.removals, me.user_id IS NOT NULL, "
    };
}
macro_rules! from_room_of_member {
    () => {
        " FROM rooms r LEFT JOIN members me ON me.room = r.id AND me.user_id = $2"
    };
}

statements! {
    /// Whether the database answers, and takes changes.
    PING = "SELECT pg_is_in_recovery(), EXISTS (SELECT 1 FROM rooms)";

    /// Makes a room with members, in one statement; none if its key has made one before.
    CREATE_ROOM =
        "WITH room AS (INSERT INTO rooms (title, created_at, creator, creation_key, creation_digest)
                       VALUES ($1, $2, $4, $5, $6)
                       ON CONFLICT (creator, creation_key) WHERE creation_key IS NOT NULL DO NOTHING RETURNING id),
              members AS (INSERT INTO members (room, user_id) SELECT room.id, u FROM room, unnest($3::text[]) u)
         SELECT id FROM room";

    /// The room that a key has made before.
    ROOM_BY_KEY =
        "SELECT id, created_at, creation_digest FROM rooms WHERE creator = $1 AND creation_key = $2";

    /// The rooms of a user, in no order. An idle list costs an index scan and two look-ups a room.
    ROOMS_OF = with_message_columns!(
        concat!("SELECT r.id, r.title, ", unread!(), ", nullif(me.read_marker, 0), "),
        " FROM members me
           JOIN rooms r ON r.id = me.room
           LEFT JOIN messages m ON m.room = me.room AND m.id = r.last_id
          WHERE me.user_id = $1"
    );

    /// What changed after a cursor. When that is nothing, or not theirs to see, messages are not looked at.
    PAGE_AFTER = with_message_columns!(
        for_member!(),
        concat!(
            from_room_of_member!(),
            page_of!(
                "w.seq > $3 AND w.seq > 0 AND r.last_seq > $3 AND me.user_id IS NOT NULL",
                "w.seq",
                "$4::bigint",
                "$5::bigint"
            ),
            " WHERE r.id = $1"
        )
    );

    /// The newest messages before an id, newest first.
    PAGE_BEFORE = with_message_columns!(
        for_member!(),
        concat!(
            from_room_of_member!(),
            page_of!("w.id < $3 AND me.user_id IS NOT NULL", "w.id DESC", "$4::bigint", "$5::bigint"),
            " WHERE r.id = $1"
        )
    );

    /// What changed after a cursor, for everybody who listens; with it, on the first row, who is in the room
    /// if somebody was taken out since.
    CHANGES = with_message_columns!(
        "SELECT r.last_seq, r.removals,
                CASE WHEN r.removals <> $3 AND coalesce(m.ahead, 0) = 0
                     THEN ARRAY(SELECT me.user_id FROM members me WHERE me.room = r.id) END, ",
        concat!(
            " FROM rooms r",
            page_of!("w.seq > $2 AND w.seq > 0 AND r.last_seq > $2", "w.seq", "$4::bigint", "$5::bigint"),
            " WHERE r.id = $1"
        )
    );

    /// Moves a read marker forward, unless it would lie ahead of the room. Needs no lock on the room: its
    /// newest message is never an older one later.
    MARK_READ =
        "WITH asked AS (
             SELECT r.last_id, me.user_id IS NOT NULL AS member
               FROM rooms r LEFT JOIN members me ON me.room = r.id AND me.user_id = $2
              WHERE r.id = $1),
              moved AS (
             UPDATE members SET read_marker = $3
              WHERE room = $1 AND user_id = $2 AND read_marker < $3 AND $3 <= (SELECT last_id FROM asked))
         SELECT last_id, member FROM asked";

    /// Where a marker is and what lies beyond it.
    MARKER = concat!(
        "SELECT me.read_marker, ",
        unread!(),
        " FROM members me WHERE me.room = $1 AND me.user_id = $2"
    );

    /// Locks a room: whatever changes it waits here, and what comes after in the same transaction sees all
    /// that whoever held the lock before has done. Not `FOR UPDATE`: new members look at the room's key.
    LOCK_ROOM =
        "SELECT last_id, last_seq, removals FROM rooms WHERE id = $1 FOR NO KEY UPDATE";

    // Many rows by their keys are a look-up each (`LATERAL … LIMIT 1`). A plain join, or `= ANY`, that was planned while the
    // table was small would go on reading whole rooms when they have grown: connections keep their plans.

    /// Which of these users are in the room.
    MEMBERS_AMONG =
        "SELECT me.user_id FROM unnest($2::text[]) AS k (user_id) CROSS JOIN LATERAL (
             SELECT user_id FROM members w WHERE w.room = $1 AND w.user_id = k.user_id LIMIT 1) me";

    /// What these keys have stored before. `+ 0` keeps every index but the one by key from being tried.
    BY_KEYS = with_message_columns!(
        "SELECT m.text_digest, ",
        " FROM unnest($2::text[], $3::text[]) AS k (sender, key) CROSS JOIN LATERAL (
              SELECT * FROM messages w
               WHERE w.sender = k.sender AND w.transaction_id = k.key AND w.room + 0 = $1 LIMIT 1) m"
    );

    /// These messages.
    BY_IDS = with_message_columns!(
        "SELECT m.text_digest, ",
        " FROM unnest($2::bigint[]) AS k (id) CROSS JOIN LATERAL (
              SELECT * FROM messages w WHERE w.room = $1 AND w.id = k.id LIMIT 1) m"
    );

    /// Stores new messages.
    INSERT_MESSAGES =
        "INSERT INTO messages (room, id, seq, sender, text, sent_at, edited_at, deleted, transaction_id, text_digest)
         SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                                    $8::boolean[], $9::text[], $10::bytea[]) n";

    /// Writes what changed in messages that are there. They are looked up, and written where they lie: while the
    /// room is locked, nobody puts them elsewhere.
    UPDATE_MESSAGES =
        "UPDATE messages m SET seq = n.seq, text = n.text, edited_at = n.edited_at, deleted = n.deleted,
                text_digest = CASE WHEN n.deleted THEN NULL ELSE m.text_digest END
           FROM (SELECT n.*, w.place
                   FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::boolean[])
                        AS n (id, seq, text, edited_at, deleted) CROSS JOIN LATERAL (
                        SELECT w.ctid AS place FROM messages w WHERE w.room = $1 AND w.id = n.id LIMIT 1) w) n
          WHERE m.ctid = n.place";

    /// Takes users out. `+ 0` keeps the index by room from being tried, and by it everybody in the room. Not by where a
    /// look-up has found them: markers move without the room's lock, and put rows elsewhere.
    DELETE_MEMBERS = "DELETE FROM members WHERE room + 0 = $1 AND user_id = ANY($2)";

    /// Lets users in, each with nothing unread.
    INSERT_MEMBERS =
        "INSERT INTO members (room, user_id, read_marker)
         SELECT $1, n.* FROM unnest($2::text[], $3::bigint[]) n";

    /// Of the next rooms, whether the first key of a message is old, or the room's own. The subquery is an index scan of its length.
    OLD_KEYS =
        "SELECT r.id, coalesce(m.sent_at < $2, false) OR (r.creation_key IS NOT NULL AND r.created_at < $2)
           FROM (SELECT id, keys_from, creation_key, created_at FROM rooms WHERE id > $1 ORDER BY id LIMIT $3) r
           LEFT JOIN messages m ON m.room = r.id AND m.id = r.keys_from
          ORDER BY r.id";

    /// Of a room's next messages: where they begin, the first whose key is kept, and the last.
    WHICH_KEYS =
        "SELECT r.keys_from, m.kept, m.last
           FROM rooms r CROSS JOIN LATERAL (
                SELECT min(w.id) FILTER (WHERE w.sent_at >= $2) AS kept, max(w.id) AS last FROM messages w
                 WHERE w.room = r.id AND w.id >= r.keys_from AND w.id < r.keys_from + $3) m
          WHERE r.id = $1 AND m.last IS NOT NULL";

    /// Clears keys.
    CLEAR_KEYS =
        "UPDATE messages SET transaction_id = NULL, text_digest = NULL WHERE room = $1 AND id >= $2 AND id < $3";

    /// Clears the room's own key, if it is old.
    CLEAR_CREATION =
        "UPDATE rooms SET creator = NULL, creation_key = NULL, creation_digest = NULL
          WHERE id = $1 AND creator IS NOT NULL AND created_at < $2";

    /// Remembers up to where.
    KEYS_FROM = "UPDATE rooms SET keys_from = $2 WHERE id = $1";

    /// Moves the room on.
    UPDATE_ROOM = "UPDATE rooms SET last_id = $2, last_seq = $3, removals = $4 WHERE id = $1";
}

#[cfg(test)]
mod tests;
