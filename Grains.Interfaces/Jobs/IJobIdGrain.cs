namespace Builds.Jobs;

/// <summary>Hands out job ids. One grain, key 0.</summary>
[Alias("IJobIdGrain")]
public interface IJobIdGrain : IGrainWithIntegerKey
{
    /// <summary>The next id: never given before, also after a crash. Throws when all 2^31-1 are used up.</summary>
    [Alias("Next")]
    Task<JobId> Next();
}
