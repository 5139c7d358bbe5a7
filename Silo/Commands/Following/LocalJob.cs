using Builds.Jobs;
using Builds.Logs;

namespace Builds.Commands.Following;

/// <summary>A job of the silo in this process.</summary>
internal sealed class LocalJob(IJobGrain grain, ILogStore logs) : IFollowedJob
{
    private const int ChunkSize = 64 * 1024;

    public TimeSpan Pause => TimeSpan.FromMilliseconds(50);

    public async Task<FollowedState> Get(CancellationToken cancellationToken)
    {
        var job = await grain.Get() ?? throw new InvalidOperationException("the job that is followed does not exist");
        return new FollowedState(
            job.Id.Value, job.Status.Word(), job.Reason?.Word(), job.Detail, job.Attempt,
            [.. job.Tasks.Select(task => new FollowedTask(task.Name, task.Status.Word()))]);
    }

    public async Task<bool> HasLog(FollowedState job, int log, CancellationToken cancellationToken) =>
        await logs.Find(new JobId(job.Id), job.Attempt, Name(job, log), cancellationToken) is not null;

    public async Task<long> Copy(FollowedState job, int log, long offset, Stream output, CancellationToken cancellationToken)
    {
        var (id, name) = (new JobId(job.Id), Name(job, log));
        if (await logs.Find(id, job.Attempt, name, cancellationToken) is null)
            return 0;
        var buffer = new byte[ChunkSize];
        var begin = offset;
        while (await logs.Read(id, job.Attempt, name, offset, buffer, cancellationToken) is var count and > 0)
        {
            await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            offset += count;
        }

        return offset - begin;
    }

    private static string? Name(FollowedState job, int log) => log == IFollowedJob.Setup ? null : job.Tasks[log].Name;
}
