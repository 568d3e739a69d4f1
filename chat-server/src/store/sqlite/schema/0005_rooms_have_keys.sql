-- By what a room is found again that was asked for twice: whose request it was, its Idempotency-Key until that expires,
-- and a digest of what was asked for, which tells a replay from a reused key.
ALTER TABLE rooms ADD COLUMN creator         TEXT;
ALTER TABLE rooms ADD COLUMN creation_key    TEXT;
ALTER TABLE rooms ADD COLUMN creation_digest BLOB;

CREATE UNIQUE INDEX rooms_by_key ON rooms (creator, creation_key) WHERE creation_key IS NOT NULL;
