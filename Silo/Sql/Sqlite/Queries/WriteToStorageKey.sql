-- No row in the answer is a conflict: the row has another version, is gone, or came to be in the meantime. One statement, so that it
-- holds whole or not at all.
INSERT INTO storage (
    state, n0, n1, key, version,
    id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested,
    image, visibility, tags, note, created, updated, expires, revision,
    pool, priority, labels, triggers_due, payload)
SELECT
    @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''), 1,
    j ->> '$.id', coalesce(j ->> '$.owner', j ->> '$.user'), j ->> '$.status', j ->> '$.reason', j ->> '$.attempt',
    j ->> '$.worker', j ->> '$.incarnation', j ->> '$.queuedAt', j ->> '$.started', j ->> '$.cancelRequested',
    j ->> '$.image', j ->> '$.visibility', j ->> '$.tags', j ->> '$.note', j ->> '$.created', j ->> '$.updated',
    j ->> '$.expires', j ->> '$.revision',
    CASE @GrainTypeString WHEN 'job' THEN coalesce(j ->> '$.pool', 'default') END,
    CASE @GrainTypeString WHEN 'job' THEN coalesce(j ->> '$.priority', 0) END,
    CASE @GrainTypeString WHEN 'job' THEN coalesce(j ->> '$.labels', '[]') END,
    j ->> '$.triggersDue',
    @PayloadBinary
FROM (SELECT CAST(@PayloadBinary AS TEXT) AS j)
WHERE @GrainStateVersion IS NULL OR EXISTS (
    SELECT 1 FROM storage
    WHERE state = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1 AND key = coalesce(@GrainIdExtensionString, ''))
ON CONFLICT (state, n0, n1, key) DO UPDATE SET
    version = storage.version + 1,
    id = excluded.id, owner = excluded.owner, status = excluded.status, reason = excluded.reason, attempt = excluded.attempt,
    worker = excluded.worker, incarnation = excluded.incarnation, queued_at = excluded.queued_at, started = excluded.started,
    cancel_requested = excluded.cancel_requested, image = excluded.image, visibility = excluded.visibility, tags = excluded.tags,
    note = excluded.note, created = excluded.created, updated = excluded.updated, expires = excluded.expires,
    revision = excluded.revision, pool = excluded.pool, priority = excluded.priority, labels = excluded.labels,
    triggers_due = excluded.triggers_due, payload = excluded.payload
WHERE storage.version = @GrainStateVersion
RETURNING version AS NewGrainStateVersion
