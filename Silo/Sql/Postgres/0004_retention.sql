-- Jobs that have ended, in the order in which they did: what is too old is at the beginning.
CREATE INDEX job_ended ON storage (updated, id) WHERE state = 'job' AND status IN ('success', 'failed');
