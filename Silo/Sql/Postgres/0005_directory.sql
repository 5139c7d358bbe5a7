-- no silo may run: those of earlier versions look for the queue elsewhere, and there would be two
-- On which silo the grains are that are looked for here, and not in the memory of the silos. The row of a silo that is gone stays until somebody looks.
CREATE TABLE grain_directory (
    grain      text COLLATE "C" NOT NULL PRIMARY KEY,
    activation text NOT NULL,
    silo       text NOT NULL,
    seen_at    bigint NOT NULL  -- the version of the membership that the silo knew then
);
