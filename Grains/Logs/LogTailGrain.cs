using Builds.Cluster;
using Builds.Jobs;
using Orleans.Placement;

namespace Builds.Logs;

/// <summary>The door to the logs that this silo writes. No call takes a turn of the grain for longer than it needs to begin to wait.</summary>
[PinnedToSilo, Immovable, KeepAlive]
public sealed class LogTailGrain(LogTails tails, TimeProvider clock) : Grain, ILogTailGrain
{
    public async Task<LogTail?> WaitForMore(JobId job, int attempt, string? task, long knownLength, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, tails.Stopping);
        var longest = atMost < ILogTailGrain.LongestWait ? atMost : ILogTailGrain.LongestWait;
        return await tails.Store.WaitUpTo(job, attempt, task, knownLength, longest, clock, wait.Token) is { } state ? new LogTail(state.Length, state.Sealed) : null;
    }
}
