-- What the silos of a cluster agree on; a single row.
CREATE TABLE cluster (
    single     boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    cluster_id text    NOT NULL,
    service_id text    NOT NULL,
    store_id   text    NOT NULL,  -- of the log and artifact store: written into it, so that two stores are never taken for one
    created    timestamptz NOT NULL DEFAULT now()
);

-- One row per worker name that ever was.
CREATE TABLE worker (
    name          text COLLATE "C" NOT NULL PRIMARY KEY,
    incarnation   bigint NOT NULL,  -- starts so far
    home          text,             -- of the data directory of the last start
    previous_home text,
    started       timestamptz
);

-- The membership of silos, in the words of the clustering provider: which silos there are, and one version for all of them together.
CREATE TABLE membership_version (
    cluster_id text COLLATE "C" NOT NULL PRIMARY KEY,
    version    integer NOT NULL,
    changed    timestamptz NOT NULL
);

CREATE TABLE membership (
    cluster_id    text COLLATE "C" NOT NULL REFERENCES membership_version,
    address       text COLLATE "C" NOT NULL,
    port          integer NOT NULL,
    generation    integer NOT NULL,
    silo_name     text NOT NULL,
    host_name     text NOT NULL,
    status        integer NOT NULL,  -- SiloStatus of Orleans: 3 active, 6 dead
    proxy_port    integer NOT NULL,
    suspect_times text,
    start_time    timestamptz NOT NULL,
    alive_time    timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, address, port, generation)
);
