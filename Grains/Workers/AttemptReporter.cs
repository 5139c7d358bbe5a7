using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Jobs;
using Microsoft.Extensions.Logging;

namespace Builds.Workers;

/// <summary>
/// Tells the job grain how an attempt stands. Progress is sent behind the build's back, one report at a time, always the newest
/// snapshot; a lost one costs nothing. The end is repeated until it is heard.
/// </summary>
public sealed partial class AttemptReporter(IJobGrain job, int attempt, int tasks, Action<ReportResult> heard, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly Lock gate = new();
    private ImmutableArray<BuildTaskStatus> statuses = [.. Enumerable.Repeat(BuildTaskStatus.Pending, tasks)];
    private ImmutableArray<SourceCommit> sources = [];
    private int sequence;
    private bool dirty;
    private Task sending = Task.CompletedTask;

    /// <summary>A source is at a commit: told with the next report.</summary>
    public void Checked(SourceCommit source)
    {
        lock (gate)
            sources = sources.Add(source);
    }

    public void Progress(int task, BuildTaskStatus status)
    {
        lock (gate)
        {
            statuses = statuses.SetItem(task, status);
            dirty = true;
            if (sending.IsCompleted)
                sending = Send();
        }
    }

    /// <summary>Reports the end until it is heard or refused, or <paramref name="lost"/> says that nobody wants to hear it any more.</summary>
    public async Task Finish(AttemptEnd end, ImmutableArray<Artifact> artifacts, CancellationToken lost)
    {
        await sending;
        for (var isFirst = true; !lost.IsCancellationRequested; isFirst = false)
        {
            try
            {
                await job.Report(Next() with { End = end, Artifacts = artifacts });
                return;
            }
            catch (Exception error)
            {
                // Unknown outcome; the job grain answers a repeat as it answered the first. Told once: on a full disk this goes on for long.
                if (isFirst)
                    LogEndNotHeard(error, attempt);
            }

            await Task.Delay(RetryAfter, clock, lost).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task Send()
    {
        await Task.Yield();
        while (Take())
        {
            try
            {
                heard(await job.Report(Next()));
            }
            catch (Exception error)
            {
                // The next snapshot says it all again.
                LogProgressNotHeard(error, attempt);
            }
        }
    }

    private bool Take()
    {
        lock (gate)
        {
            var taken = dirty;
            dirty = false;
            // Completed under the lock, or a change made right now would find a sender that has already looked.
            if (!taken)
                sending = Task.CompletedTask;
            return taken;
        }
    }

    private AttemptReport Next()
    {
        lock (gate)
            return new AttemptReport { Attempt = attempt, Sequence = ++sequence, Tasks = statuses, Sources = sources };
    }

    [LoggerMessage(EventId = 1310, Level = LogLevel.Warning, Message = "Attempt {Attempt}: its end was not heard yet; it is reported again")]
    private partial void LogEndNotHeard(Exception error, int attempt);

    [LoggerMessage(EventId = 1311, Level = LogLevel.Debug, Message = "Attempt {Attempt}: progress was not heard; the next report has it")]
    private partial void LogProgressNotHeard(Exception error, int attempt);
}
