-- Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE rooms (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused, even should a room go
    title      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    last_id    INTEGER NOT NULL DEFAULT 0,        -- the newest message
    last_seq   INTEGER NOT NULL DEFAULT 0         -- the newest change: what an idle poll compares
) STRICT;

CREATE TABLE members (
    room        INTEGER NOT NULL REFERENCES rooms (id),
    user        TEXT    NOT NULL,
    read_marker INTEGER NOT NULL DEFAULT 0,       -- a message id; others' messages beyond it are unread
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user, room);

-- Without rowid, so that the messages of a room lie side by side in the file.
CREATE TABLE messages (
    room           INTEGER NOT NULL REFERENCES rooms (id),
    id             INTEGER NOT NULL,              -- dense from 1
    seq            INTEGER NOT NULL,              -- the last change made to it
    sender         TEXT    NOT NULL,
    text           TEXT    NOT NULL,              -- empty once deleted
    sent_at        INTEGER NOT NULL,
    edited_at      INTEGER,
    deleted        INTEGER NOT NULL DEFAULT 0,
    transaction_id TEXT    NOT NULL,              -- the sender's Idempotency-Key
    text_digest    BLOB    NOT NULL,              -- of the text as first sent: tells a replay from a reused
                                                  -- key, even after an edit or a deletion
    PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX messages_by_seq ON messages (room, seq);
CREATE UNIQUE INDEX messages_by_key ON messages (room, sender, transaction_id);
