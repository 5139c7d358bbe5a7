DELETE FROM storage
WHERE state = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1 AND key = coalesce(@GrainIdExtensionString, '')
    AND version = @GrainStateVersion
RETURNING version + 1 AS NewGrainStateVersion
