-- How often somebody was taken out of the room. Whoever streams a room to many reads it with the changes:
-- while it stands still, nobody's membership need be looked at again.
ALTER TABLE rooms ADD COLUMN removals INTEGER NOT NULL DEFAULT 0;
