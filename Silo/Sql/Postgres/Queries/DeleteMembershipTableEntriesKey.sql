WITH members AS (DELETE FROM membership WHERE cluster_id = @DeploymentId)
DELETE FROM membership_version WHERE cluster_id = @DeploymentId
