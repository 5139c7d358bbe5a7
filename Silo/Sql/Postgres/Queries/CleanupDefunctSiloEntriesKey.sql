DELETE FROM membership
WHERE cluster_id = @DeploymentId AND status = 6 AND start_time < @IAmAliveTime AND alive_time < @IAmAliveTime
    AND coalesce(suspect_times, '') = ''
