-- No row in the answer is a conflict, as in WriteToStorageKey.sql.
DELETE FROM storage
WHERE state = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1 AND key = coalesce(@GrainIdExtensionString, '')
    AND version = @GrainStateVersion AND (@ServiceId NOT LIKE '% % % %' OR EXISTS (
        SELECT FROM membership
        WHERE address = split_part(@ServiceId, ' ', 1) AND port = nullif(split_part(@ServiceId, ' ', 2), '')::integer
            AND generation = nullif(split_part(@ServiceId, ' ', 3), '')::integer AND cluster_id = regexp_replace(@ServiceId, '^(\S+ ){3}', '')
            AND status <> 6))
RETURNING version + 1 AS NewGrainStateVersion
