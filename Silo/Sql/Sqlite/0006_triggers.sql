-- When the outbox has something to do for a job or a group that has ended; null for all others. The column comes after payload, which does
-- not matter here: everything that the outbox asks is in the index.
ALTER TABLE storage ADD COLUMN triggers_due TEXT;
CREATE INDEX trigger_due ON storage (triggers_due, id, state, owner) WHERE triggers_due IS NOT NULL;
