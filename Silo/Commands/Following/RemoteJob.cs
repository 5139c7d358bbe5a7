using Builds.Commands.Client;

namespace Builds.Commands.Following;

/// <summary>A job of a server. There, a log is one text over all attempts.</summary>
internal sealed class RemoteJob(BuildsClient client, int id, Patience patience) : IFollowedJob
{
    public TimeSpan Pause => TimeSpan.FromMilliseconds(400);

    public async Task<FollowedState> Get(CancellationToken cancellationToken)
    {
        var job = await patience.Ask(() => client.Job(id, cancellationToken), cancellationToken);
        return new FollowedState(
            job.Id, job.Status, job.Reason, Detail: null, job.SetupLog is null ? 0 : 1,
            [.. job.Tasks.Select(task => new FollowedTask(task.Name, task.Status))])
        { Logs = [job.SetupLog, .. job.Tasks.Select(task => task.Log)] };
    }

    public async Task<bool> HasLog(FollowedState job, int log, CancellationToken cancellationToken) =>
        Address(job, log) is { } address && await patience.Ask(() => client.HasLog(address, cancellationToken), cancellationToken);

    public async Task<long> Copy(FollowedState job, int log, long offset, Stream output, CancellationToken cancellationToken) =>
        Address(job, log) is { } address ? await patience.Ask(() => client.CopyLog(address, offset, output, cancellationToken), cancellationToken) : 0;

    private static string? Address(FollowedState job, int log) => job.Logs[log + 1];
}
