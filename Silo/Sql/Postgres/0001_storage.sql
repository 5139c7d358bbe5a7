-- One row per record of a grain. The record is the JSON in payload; the other columns below version repeat what questions about many
-- records need, and are filled from the JSON by the statement that writes it (Queries/WriteToStorageKey.sql).
--
-- Text sorts by its bytes, whatever language the database was made for.
--
-- Silos of the version before go on with a database that a newer one has upgraded: a script may add, never rename, narrow or remove.
CREATE TABLE storage (
    state            text COLLATE "C" NOT NULL,  -- what kind of record: job, token, submission, jobid
    n0               bigint  NOT NULL,           -- these three are the grain's key, in the words of the storage provider
    n1               bigint  NOT NULL,
    key              text COLLATE "C" NOT NULL,
    version          integer NOT NULL,           -- grows by one with every write
    id               integer,
    owner            text COLLATE "C",           -- of a job; of a token its user
    status           text COLLATE "C",
    reason           text COLLATE "C",
    attempt          integer,
    worker           text COLLATE "C",
    incarnation      bigint,
    queued_at        text COLLATE "C",           -- times: UTC, all of one length, so that text order is time order; exact to 100 ns
    started          text COLLATE "C",
    cancel_requested boolean,
    image            text COLLATE "C",
    visibility       text COLLATE "C",
    tags             text COLLATE "C",           -- JSON array
    note             text COLLATE "C",
    created          text COLLATE "C",
    updated          text COLLATE "C",
    expires          text COLLATE "C",
    revision         integer,
    pool             text COLLATE "C",           -- of a job, as are the next two
    priority         integer,
    labels           text COLLATE "C",           -- JSON array
    payload          bytea   NOT NULL,           -- last, so that the columns before it are read without it
    PRIMARY KEY (state, n0, n1, key)
) WITH (
    fillfactor = 80,                             -- room for the next version of a row beside it: jobs are written about three times
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);

CREATE INDEX job_owner ON storage (owner, id) WHERE state = 'job';
CREATE INDEX job_open ON storage (pool, id) WHERE state = 'job' AND status IN ('queued', 'running');
CREATE INDEX job_queued ON storage (pool, queued_at, id) WHERE state = 'job' AND status = 'queued';
CREATE INDEX token_created ON storage (created, key) WHERE state = 'token';
CREATE INDEX submission_expires ON storage (expires) WHERE state = 'submission';

-- Where the providers look for the statements that they run. Filled at every start with those of the program that starts.
CREATE TABLE OrleansQuery (
    QueryKey  text NOT NULL PRIMARY KEY,
    QueryText text NOT NULL
);
