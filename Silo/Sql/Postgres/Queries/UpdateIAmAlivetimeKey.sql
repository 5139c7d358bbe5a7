UPDATE membership SET alive_time = greatest(alive_time, @IAmAliveTime)
WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
