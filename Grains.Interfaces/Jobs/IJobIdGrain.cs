namespace Builds.Jobs;

/// <summary>Hands out ids. One grain per kind of id: the key is <see cref="Jobs"/>, <see cref="JobGroups"/> or <see cref="Secrets"/>.</summary>
[Alias("IJobIdGrain")]
public interface IJobIdGrain : IGrainWithIntegerKey
{
    const long Jobs = 0;
    const long JobGroups = 1;
    const long Secrets = 2;

    /// <summary>The next id: never given before, also after a crash. Throws when all 2^31-1 are used up.</summary>
    [Alias("Next")]
    Task<JobId> Next();
}
