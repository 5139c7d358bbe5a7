-- A silo that was frozen or cut off learns last that it was declared dead, and may go on for a moment. Others have its grains by then,
-- and would never hear of what it still writes, so the statements that write ask this.
--
-- silo: address, port and generation, with blanks between; anything else is no silo, and so not dead.
CREATE FUNCTION silo_is_dead(silo text) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (
        SELECT FROM membership
        WHERE cluster_id = (SELECT cluster_id FROM cluster) AND address = split_part(silo, ' ', 1) AND status = 6
            AND port = nullif(split_part(silo, ' ', 2), '')::integer AND generation = nullif(split_part(silo, ' ', 3), '')::integer)
$$;
