namespace Builds.Queue;

/// <summary>Where the cluster's calls to a queue go.</summary>
public interface IQueuePlace
{
    /// <summary>
    /// Registers an active queue again where that was forgotten, as by a database that went back to an earlier state. A repeat changes nothing.
    /// </summary>
    /// <returns>False if calls go to another activation, so that this one hears of nothing any more.</returns>
    /// <exception cref="Exception">The database did not answer: nothing is known.</exception>
    Task<bool> Keep(GrainAddress queue);
}

/// <summary>One silo by itself, whose own memory says where grains are.</summary>
public sealed class OnlyPlace : IQueuePlace
{
    public Task<bool> Keep(GrainAddress queue) => Task.FromResult(true);
}
