-- Where a job may run and how urgent it is. The table is made anew since a column added to the old one would come after payload, and
-- reading it would mean reading the payload too.
CREATE TABLE storage_2 (
    state            TEXT    NOT NULL,  -- what kind of record: job, token, submission, jobid
    n0               INTEGER NOT NULL,  -- these three are the grain's key, in the words of the storage provider
    n1               INTEGER NOT NULL,
    key              TEXT    NOT NULL,
    version          INTEGER NOT NULL,  -- grows by one with every write
    id               INTEGER,
    owner            TEXT,              -- of a job; of a token its user
    status           TEXT,
    reason           TEXT,
    attempt          INTEGER,
    worker           TEXT,
    incarnation      INTEGER,
    queued_at        TEXT,              -- times: UTC, all of one length, so that text order is time order
    started          TEXT,
    cancel_requested INTEGER,
    image            TEXT,
    visibility       TEXT,
    tags             TEXT,              -- JSON array
    note             TEXT,
    created          TEXT,
    updated          TEXT,
    expires          TEXT,
    revision         INTEGER,
    pool             TEXT,
    priority         INTEGER,
    labels           TEXT,              -- JSON array
    payload          BLOB    NOT NULL,  -- last, so that the columns before it are read without it
    PRIMARY KEY (state, n0, n1, key)
) STRICT;

INSERT INTO storage_2 (state, n0, n1, key, version, id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested, image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels, payload)
SELECT state, n0, n1, key, version, id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested, image, visibility, tags, note, created, updated, expires, revision,
    CASE state WHEN 'job' THEN 'default' END, CASE state WHEN 'job' THEN 0 END, CASE state WHEN 'job' THEN '[]' END, payload
FROM storage;

DROP TABLE storage;
ALTER TABLE storage_2 RENAME TO storage;

CREATE INDEX job_owner ON storage (owner, id) WHERE state = 'job';
CREATE INDEX job_open ON storage (pool, id) WHERE state = 'job' AND status IN ('queued', 'running');
CREATE INDEX job_queued ON storage (pool, queued_at, id) WHERE state = 'job' AND status = 'queued';
CREATE INDEX token_created ON storage (created) WHERE state = 'token';
CREATE INDEX submission_expires ON storage (expires) WHERE state = 'submission';
