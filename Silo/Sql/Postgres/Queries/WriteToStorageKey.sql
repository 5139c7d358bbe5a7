-- No row in the answer is a conflict: the row has another version, is gone, or came to be in the meantime, or the silo that writes was
-- declared dead: others have its grains then, and would not learn of what it still writes. One statement, so that it holds whole or not
-- at all; of its two halves one at most finds something to do. The columns have no NUL, which PostgreSQL cannot keep in a text; the
-- record has. ServiceId: of a silo its address, port, generation and cluster id (MemberStorage.cs); of any other writer a single word.
WITH given AS (
    SELECT
        id, coalesce(owner, "user") AS owner, status, reason, attempt, worker, incarnation, "queuedAt" AS queued_at, started,
        "cancelRequested" AS cancel_requested, image, visibility, tags, note, created, updated, expires, revision,
        CASE @GrainTypeString WHEN 'job' THEN coalesce(pool, 'default') END AS pool,
        CASE @GrainTypeString WHEN 'job' THEN coalesce(priority, 0) END AS priority,
        CASE @GrainTypeString WHEN 'job' THEN coalesce(labels, '[]') END AS labels,
        "triggersDue" AS triggers_due
    FROM (SELECT convert_from(@PayloadBinary, 'UTF8') AS text) AS payload, json_to_record((
        CASE strpos(text, '\u0000') WHEN 0 THEN text ELSE regexp_replace(text, '(?<!\\)((\\\\)*)\\u0000', '\1\\ufffd', 'g') END)::json) AS record (
        id integer, owner text, "user" text, status text, reason text, attempt integer, worker text, incarnation bigint, "queuedAt" text,
        started text, "cancelRequested" boolean, image text, visibility text, tags text, note text, created text, updated text,
        expires text, revision integer, pool text, priority integer, labels text, "triggersDue" text)
    WHERE @ServiceId NOT LIKE '% % % %' OR EXISTS (
        SELECT FROM membership
        WHERE address = split_part(@ServiceId, ' ', 1) AND port = nullif(split_part(@ServiceId, ' ', 2), '')::integer
            AND generation = nullif(split_part(@ServiceId, ' ', 3), '')::integer AND cluster_id = regexp_replace(@ServiceId, '^(\S+ ){3}', '')
            AND status <> 6)
), inserted AS (
    INSERT INTO storage (
        state, n0, n1, key, version,
        id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested,
        image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels, triggers_due, payload)
    SELECT
        @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''), 1,
        id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested,
        image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels, triggers_due, @PayloadBinary
    FROM given
    WHERE @GrainStateVersion IS NULL
    ON CONFLICT DO NOTHING
    RETURNING version
), updated AS (
    UPDATE storage SET
        version = storage.version + 1,
        id = given.id, owner = given.owner, status = given.status, reason = given.reason, attempt = given.attempt,
        worker = given.worker, incarnation = given.incarnation, queued_at = given.queued_at, started = given.started,
        cancel_requested = given.cancel_requested, image = given.image, visibility = given.visibility, tags = given.tags,
        note = given.note, created = given.created, updated = given.updated, expires = given.expires,
        revision = given.revision, pool = given.pool, priority = given.priority, labels = given.labels, triggers_due = given.triggers_due,
        payload = @PayloadBinary
    FROM given
    WHERE storage.state = @GrainTypeString AND storage.n0 = @GrainIdN0 AND storage.n1 = @GrainIdN1
        AND storage.key = coalesce(@GrainIdExtensionString, '') AND storage.version = @GrainStateVersion
    RETURNING storage.version
)
SELECT version AS NewGrainStateVersion FROM inserted
UNION ALL
SELECT version FROM updated
