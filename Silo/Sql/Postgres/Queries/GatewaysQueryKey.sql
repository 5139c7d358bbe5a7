-- Nobody connects from outside, so there are none; the provider wants the question to exist.
SELECT address AS Address, proxy_port AS ProxyPort, generation AS Generation
FROM membership
WHERE cluster_id = @DeploymentId AND status = @Status AND proxy_port > 0
