-- Records of an embedded database as they are, with the columns that Queries/WriteToStorageKey.sql would fill for them. Their jobs are
-- counted once at the end: a row that one transaction changes a million times gets slower with each.
ALTER TABLE storage DISABLE TRIGGER job_made;

INSERT INTO storage (
    state, n0, n1, key, version,
    id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested,
    image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels, triggers_due, payload)
SELECT
    imported.state, imported.n0, imported.n1, imported.key, imported.version,
    record.id, coalesce(record.owner, record."user"), record.status, record.reason, record.attempt, record.worker, record.incarnation,
    record."queuedAt", record.started, record."cancelRequested", record.image, record.visibility, record.tags, record.note,
    record.created, record.updated, record.expires, record.revision,
    CASE imported.state WHEN 'job' THEN coalesce(record.pool, 'default') END,
    CASE imported.state WHEN 'job' THEN coalesce(record.priority, 0) END,
    CASE imported.state WHEN 'job' THEN coalesce(record.labels, '[]') END,
    record."triggersDue",
    imported.payload
FROM (SELECT *, convert_from(payload, 'UTF8') AS text FROM imported) AS imported, json_to_record((
    CASE strpos(text, '\u0000') WHEN 0 THEN text ELSE regexp_replace(text, '(?<!\\)((\\\\)*)\\u0000', '\1\\ufffd', 'g') END)::json) AS record (
    id integer, owner text, "user" text, status text, reason text, attempt integer, worker text, incarnation bigint, "queuedAt" text,
    started text, "cancelRequested" boolean, image text, visibility text, tags text, note text, created text, updated text,
    expires text, revision integer, pool text, priority integer, labels text, "triggersDue" text);

ALTER TABLE storage ENABLE TRIGGER job_made;

INSERT INTO job_total (owner, part, jobs)
SELECT owner, id % 32, count(*) FROM storage WHERE state = 'job' AND owner IS NOT NULL GROUP BY 1, 2
ON CONFLICT (owner, part) DO UPDATE SET jobs = excluded.jobs
