SELECT payload AS PayloadBinary, version AS Version
FROM storage
WHERE state = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1 AND key = coalesce(@GrainIdExtensionString, '')
