-- How many jobs each owner has, kept by the commits that make and delete them: counting takes longer the more there are, and every list
-- says its total. A job never changes its owner.
CREATE TABLE job_total (
    owner TEXT    NOT NULL PRIMARY KEY,
    jobs  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO job_total (owner, jobs)
SELECT owner, count(*) FROM storage INDEXED BY job_owner WHERE state = 'job' AND owner IS NOT NULL GROUP BY owner;

CREATE TRIGGER job_made AFTER INSERT ON storage WHEN NEW.state = 'job' AND NEW.owner IS NOT NULL
BEGIN
    INSERT INTO job_total (owner, jobs) VALUES (NEW.owner, 1) ON CONFLICT (owner) DO UPDATE SET jobs = jobs + 1;
END;

CREATE TRIGGER job_deleted AFTER DELETE ON storage WHEN OLD.state = 'job' AND OLD.owner IS NOT NULL
BEGIN
    UPDATE job_total SET jobs = jobs - 1 WHERE owner = OLD.owner;
END;
