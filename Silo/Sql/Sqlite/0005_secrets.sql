-- The keys that seal the values of secrets are files beside the database.
CREATE INDEX secret_owner ON storage (owner, id) WHERE state = 'secret';
