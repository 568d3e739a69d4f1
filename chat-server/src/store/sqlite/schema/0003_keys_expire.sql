-- A message outlives its sender's key: both columns of the key may be empty now, which SQLite lets nobody say
-- of a table that is there already.
ALTER TABLE rooms ADD COLUMN keys_from INTEGER NOT NULL DEFAULT 1; -- the first message that may still have its key

CREATE TABLE messages_anew (
    room           INTEGER NOT NULL REFERENCES rooms (id),
    id             INTEGER NOT NULL,              -- dense from 1
    seq            INTEGER NOT NULL,              -- the last change made to it
    sender         TEXT    NOT NULL,
    text           TEXT    NOT NULL,              -- empty once deleted
    sent_at        INTEGER NOT NULL,
    edited_at      INTEGER,
    deleted        INTEGER NOT NULL DEFAULT 0,
    transaction_id TEXT,                          -- the sender's Idempotency-Key, until it expires
    text_digest    BLOB,                          -- of the text as first sent: tells a replay from a reused
                                                  -- key, even after an edit or a deletion
    PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;

INSERT INTO messages_anew (room, id, seq, sender, text, sent_at, edited_at, deleted, transaction_id, text_digest)
SELECT room, id, seq, sender, text, sent_at, edited_at, deleted, transaction_id, text_digest
  FROM messages ORDER BY room, id;

DROP TABLE messages;
ALTER TABLE messages_anew RENAME TO messages;

CREATE UNIQUE INDEX messages_by_seq ON messages (room, seq);
CREATE UNIQUE INDEX messages_by_key ON messages (room, sender, transaction_id) WHERE transaction_id IS NOT NULL;
