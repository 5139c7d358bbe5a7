WITH inserted AS (
    INSERT INTO membership_version (cluster_id, version, changed) VALUES (@DeploymentId, 0, now())
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM inserted)
