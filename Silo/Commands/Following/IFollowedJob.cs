using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Commands.Following;

/// <summary>A job that is watched, wherever it is. Logs are named by the index of their task, the setup log by <see cref="Setup"/>.</summary>
internal interface IFollowedJob
{
    const int Setup = -1;

    /// <summary>As it is now.</summary>
    Task<FollowedState> Get(CancellationToken cancellationToken);

    Task<bool> HasLog(FollowedState job, int log, CancellationToken cancellationToken);

    /// <summary>Copies what is visible from an offset on, and answers how many bytes that were; 0 where there is no log yet.</summary>
    Task<long> Copy(FollowedState job, int log, long offset, Stream output, CancellationToken cancellationToken);

    /// <summary>How long to wait before looking again.</summary>
    TimeSpan Pause { get; }
}

/// <param name="Attempt">With logs of its own from their first byte on; 0 before the first one.</param>
/// <param name="Reason">Null unless it failed.</param>
/// <param name="Detail">A sentence on why it failed; null when there is none to tell.</param>
internal sealed record FollowedState(
    int Id, string Status, string? Reason, string? Detail, int Attempt, ImmutableArray<FollowedTask> Tasks)
{
    /// <summary>Where the logs are, setup first, if the job is on a server.</summary>
    public ImmutableArray<string?> Logs { get; init; } = [];

    public bool IsFinal => Status == JobStatus.Success.Word() || Status == JobStatus.Failed.Word();

    public bool IsSuccess => Status == JobStatus.Success.Word();
}

internal sealed record FollowedTask(string Name, string Status)
{
    public bool IsPending => Status == BuildTaskStatus.Pending.Word();

    public bool IsRunning => Status == BuildTaskStatus.Running.Word();

    public bool IsFailed => Status == BuildTaskStatus.Failed.Word();

    public bool IsSkipped => Status == BuildTaskStatus.Skipped.Word();
}
