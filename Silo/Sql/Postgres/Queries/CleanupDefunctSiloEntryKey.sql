-- One silo, if it is still as it was when somebody decided that it is long dead.
DELETE FROM membership
WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation AND status = 6
    AND start_time = @StartTime AND alive_time = @IAmAliveTime AND coalesce(suspect_times, '') = coalesce(@SuspectTimes, '')
