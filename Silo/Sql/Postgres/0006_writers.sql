-- From here on the statements that write ask whether the silo that does is a member. A silo of before would put its own back at its start
-- (OrleansQuery), and so may not start any more.
COMMENT ON TABLE storage IS 'One row per record of a grain. Silos write while they are members (table membership), and not afterwards.';
