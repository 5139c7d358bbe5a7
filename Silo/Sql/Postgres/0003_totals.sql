-- How many jobs each owner has, kept by the commits that make and delete them: counting takes longer the more there are, and every list
-- says its total. A job never changes its owner. Each owner has 32 rows, by the job's id, since a row is locked until its commit is on
-- disk: jobs that one owner submits at the same time have ids side by side, and do not wait for each other.
CREATE TABLE job_total (
    owner text COLLATE "C" NOT NULL,
    part  integer NOT NULL,
    jobs  bigint  NOT NULL,
    PRIMARY KEY (owner, part)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

INSERT INTO job_total (owner, part, jobs)
SELECT owner, id % 32, count(*) FROM storage WHERE state = 'job' AND owner IS NOT NULL GROUP BY 1, 2;

CREATE FUNCTION count_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO job_total (owner, part, jobs) VALUES (NEW.owner, NEW.id % 32, 1)
        ON CONFLICT (owner, part) DO UPDATE SET jobs = job_total.jobs + 1;
    ELSE
        UPDATE job_total SET jobs = jobs - 1 WHERE owner = OLD.owner AND part = OLD.id % 32;
    END IF;
    RETURN NULL;
END
$$;

-- Whoever deletes many jobs in one statement does so by owner and id, or meets another one who holds what he waits for.
CREATE TRIGGER job_made AFTER INSERT ON storage FOR EACH ROW WHEN (NEW.state = 'job' AND NEW.owner IS NOT NULL) EXECUTE FUNCTION count_job();
CREATE TRIGGER job_deleted AFTER DELETE ON storage FOR EACH ROW WHEN (OLD.state = 'job' AND OLD.owner IS NOT NULL) EXECUTE FUNCTION count_job();
