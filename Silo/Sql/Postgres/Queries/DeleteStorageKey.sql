-- No row in the answer is a conflict, as in WriteToStorageKey.sql.
DELETE FROM storage
WHERE state = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1 AND key = coalesce(@GrainIdExtensionString, '')
    AND version = @GrainStateVersion AND NOT silo_is_dead(@ServiceId)
RETURNING version + 1 AS NewGrainStateVersion
