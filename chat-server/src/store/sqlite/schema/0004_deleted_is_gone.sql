-- A deleted message keeps no digest of its text either: a guess at it could be checked by that. Since this version a
-- deletion takes it along.
UPDATE messages SET text_digest = NULL WHERE deleted;
