-- Both or nothing: whoever moved the version first has won, and the others read again.
WITH moved AS (
    UPDATE membership_version SET version = version + 1, changed = now()
    WHERE cluster_id = @DeploymentId AND version = @Version AND EXISTS (
        SELECT 1 FROM membership WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
    RETURNING cluster_id
), updated AS (
    UPDATE membership m SET
        status = @Status, suspect_times = @SuspectTimes, alive_time = greatest(m.alive_time, @IAmAliveTime)
    FROM moved
    WHERE m.cluster_id = moved.cluster_id AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM updated)
