namespace Builds.Retention;

/// <summary>
/// Deletes what has become too old (<c>Builds:Retention</c>): one in the cluster, keyed <see cref="Key"/>, in small steps of its own. In each
/// the record says first that a thing is gone, and then its files go; what was interrupted is done again.
/// </summary>
[Alias("IRetentionGrain")]
public interface IRetentionGrain : IGrainWithStringKey
{
    const string Key = "retention";

    /// <summary>
    /// Begins a round if one is due and none is under way, and answers at once. Any silo may call it, any number of times: the rounds
    /// need a caller now and then, as a grain does not wake by itself.
    /// </summary>
    [Alias("Wake")]
    Task Wake();

    /// <summary>
    /// Room is wanted where logs or artifacts are: begins to remove those of the jobs that ended first, before their time is over, until there is
    /// enough (<c>Builds:Space</c>), and answers at once. While it does so already: no effect. Any silo may call it.
    /// </summary>
    [Alias("MakeRoom")]
    Task MakeRoom();

    /// <summary>How many rounds are over since it was activated, for who waits for one.</summary>
    [Alias("Rounds")]
    Task<int> Rounds();
}
