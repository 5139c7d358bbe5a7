-- One row per record of a grain. The record is the JSON in payload; the other columns below version repeat what questions about many
-- records need, and are filled from the JSON by the statement that writes it (Queries/WriteToStorageKey.sql).
CREATE TABLE storage (
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
    payload          BLOB    NOT NULL,  -- last, so that the columns before it are read without it
    PRIMARY KEY (state, n0, n1, key)
) STRICT;

CREATE INDEX job_owner ON storage (owner, id) WHERE state = 'job';
CREATE INDEX job_open ON storage (id) WHERE state = 'job' AND status IN ('queued', 'running');
CREATE INDEX job_queued ON storage (queued_at) WHERE state = 'job' AND status = 'queued';
CREATE INDEX token_created ON storage (created) WHERE state = 'token';
CREATE INDEX submission_expires ON storage (expires) WHERE state = 'submission';

-- Where the storage provider looks for the statements that it runs. Filled at every start with those of the program that starts.
CREATE TABLE OrleansQuery (
    QueryKey  TEXT NOT NULL PRIMARY KEY,
    QueryText TEXT NOT NULL
) STRICT;
