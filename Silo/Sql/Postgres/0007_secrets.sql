CREATE INDEX secret_owner ON storage (owner, id) WHERE state = 'secret';

-- What seals the values of secrets, which lie in their records: XML of ASP.NET's data protection, as one silo made it and all read it.
CREATE TABLE secret_key (
    name    text COLLATE "C" NOT NULL PRIMARY KEY,
    xml     text NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
