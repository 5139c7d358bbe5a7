using System.IO.Pipelines;
using Builds.Jobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Builds.Logs;

/// <summary>
/// Streams a log while it grows, until the job or the task has ended. Woken by the store and by the job, never by a clock. A silo that
/// stops breaks the connection, so that the reader knows to resume at the offset it has reached.
/// </summary>
internal sealed class LogFollowing(ILogStore store, IGrainFactory grains, IHostApplicationLifetime lifetime)
{
    private const int BufferSize = 64 * 1024;

    /// <param name="offset">Where the reader is, from 0.</param>
    public async Task Stream(HttpContext context, JobSnapshot job, string? task, long offset)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await context.Response.StartAsync(leave.Token);
            await context.Response.BodyWriter.FlushAsync(leave.Token);
            await Follow(context.Response.BodyWriter, job, task, offset, leave.Token);
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            context.Abort();
        }
    }

    private async Task Follow(PipeWriter writer, JobSnapshot job, string? task, long sent, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var change = NextChange(job, done.Token);
        try
        {
            while (true)
            {
                var log = await JobLog.Open(store, job, task, cancellationToken);
                sent = await Send(writer, log, sent, cancellationToken);
                if (IsOver(job, task))
                    return;
                await ForMore(log, job.Id, task, change, cancellationToken);
                if (!change.IsCompleted)
                    continue;
                if (await change is not { } next)
                    return;
                job = next.Revision > job.Revision ? next : job;
                change = NextChange(job, done.Token);
            }
        }
        finally
        {
            await done.CancelAsync();
            await Settled(change);
        }
    }

    /// <summary>Nothing more comes of an ended task, unless its worker is lost before the job ends; then a later look shows it.</summary>
    private static bool IsOver(JobSnapshot job, string? task) => job.Status.IsFinal()
        || job.Tasks.Any(known => known.Name == task && known.Status is BuildTaskStatus.Success or BuildTaskStatus.Failed or BuildTaskStatus.Skipped);

    private static async Task<long> Send(PipeWriter writer, JobLog log, long sent, CancellationToken cancellationToken)
    {
        while (await log.Read(sent, writer.GetMemory(BufferSize)[..BufferSize], cancellationToken) is > 0 and var count)
        {
            writer.Advance(count);
            sent += count;
            await writer.FlushAsync(cancellationToken);
        }

        return sent;
    }

    private async Task ForMore(JobLog log, JobId job, string? task, Task change, CancellationToken cancellationToken)
    {
        if (log.Growing is not { } attempt || await store.Find(job, attempt, task, cancellationToken) is { Sealed: true, Length: var end } && end == log.GrowingLength)
        {
            await change;
            return;
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var more = store.WaitForMore(job, attempt, task, log.GrowingLength, enough.Token);
        await Task.WhenAny(more, change);
        await enough.CancelAsync();
        await Settled(more);
    }

    private Task<JobSnapshot?> NextChange(JobSnapshot job, CancellationToken cancellationToken) =>
        grains.GetGrain<IJobGrain>(job.Id.Value).WaitForChange(job.Revision, IJobGrain.LongestWait, cancellationToken);

    // Cancelled or not, its end is awaited so that nothing is left running behind the reader's back.
    private static async Task Settled(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // What was asked for.
        }
    }
}
