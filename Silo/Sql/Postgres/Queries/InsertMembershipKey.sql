-- Both or nothing: whoever moved the version first has won, and the others read again.
WITH moved AS (
    UPDATE membership_version SET version = version + 1, changed = now()
    WHERE cluster_id = @DeploymentId AND version = @Version AND NOT EXISTS (
        SELECT 1 FROM membership WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
    RETURNING cluster_id
), inserted AS (
    INSERT INTO membership (
        cluster_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, alive_time)
    SELECT cluster_id, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime
    FROM moved
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM inserted)
