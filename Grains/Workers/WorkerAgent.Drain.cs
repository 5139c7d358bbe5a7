using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Builds.Workers;

/// <summary>Leaving for good with the silo, and draining by an operator's word, which can be taken back.</summary>
public sealed partial class WorkerAgent
{
    /// <summary>A claim takes milliseconds; after this long its outcome counts as unknown.</summary>
    private static readonly TimeSpan ClaimsSettle = TimeSpan.FromSeconds(2);

    private WorkerDrain? drain;
    private ITimer? deadline;
    private TaskCompletionSource? empty;
    private bool leaving;

    /// <summary>The silo stops: takes no new job from now on, and nothing calls that off. Completes when nothing is held any more.</summary>
    public Task Leave()
    {
        lock (gate)
        {
            leaving = true;
            BeginDrain();
            empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (held.Count == 0)
                empty.TrySetResult();
            return empty.Task;
        }
    }

    /// <summary>
    /// Takes no new job from now on, until <see cref="Resume"/>. Answers when every claim that was under way has been answered, so that no
    /// job becomes this worker's after the answer; one whose claim has no answer for long is handed back and not run.
    /// </summary>
    /// <param name="atMost">How long what runs may go on before it is handed back; null: to its end. The last word counts.</param>
    /// <param name="note">Why, for people.</param>
    public async Task Drain(TimeSpan? atMost, string? note)
    {
        WorkerDrain begun;
        ImmutableArray<HeldAttempt> claiming;
        lock (gate)
        {
            var now = clock.GetUtcNow();
            begun = drain = new WorkerDrain(drain?.Since ?? now, now + atMost, note);
            BeginDrain();
            deadline?.Dispose();
            deadline = atMost is { } time ? clock.CreateTimer(_ => HandBack(begun), null, time, Timeout.InfiniteTimeSpan) : null;
            claiming = [.. held.Values.Where(attempt => attempt.Attempt == 0)];
            LogDrained(held.Count, begun.Deadline is { } end ? $"until {end:u}" : "to their end", note ?? "none");
        }

        await Task.WhenAll(claiming.Select(attempt => attempt.ClaimAnswered)).WaitAsync(ClaimsSettle, clock, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        lock (gate)
        {
            foreach (var attempt in claiming.Where(attempt => attempt.Attempt == 0 && ReferenceEquals(drain, begun)))
                attempt.End(StopCause.HandBack);
        }
    }

    /// <summary>Takes jobs again. False, and nothing changes, where the silo stops.</summary>
    public bool Resume()
    {
        lock (gate)
        {
            if (leaving)
                return false;
            if (drain is not null || lowSpace is not null)
                LogResumed();
            deadline?.Dispose();
            (drain, deadline, lowSpace) = (null, null, null);
            TakeAgain();
            return true;
        }
    }

    /// <summary>Everything about this worker, at one moment.</summary>
    public WorkerReport Report(IEnumerable<string> images)
    {
        lock (gate)
        {
            return new WorkerReport
            {
                Name = identity.Name,
                Incarnation = identity.Incarnation,
                Status = status,
                Slots = options.Value.Slots,
                Images = [.. images],
                Running = [.. held.Values.OrderBy(attempt => attempt.Job).Select(attempt => new RunningJob(attempt.Job, attempt.Attempt, attempt.Since))],
                Version = ProductVersion.Text,
                Drain = drain ?? lowSpace,
                Leaving = leaving,
                Pool = options.Value.Pool,
                Labels = labels,
            };
        }
    }

    // Under the lock.
    private void BeginDrain()
    {
        status = WorkerLifecycle.Next(status, WorkerSignal.Drain) ?? status;
        if (held.Count == 0)
            status = WorkerLifecycle.Next(status, WorkerSignal.Emptied) ?? status;
        Wake();
    }

    // Under the lock. Not where something else still keeps jobs away.
    private void TakeAgain()
    {
        if (drain is null && lowSpace is null && !leaving)
            status = WorkerLifecycle.Next(status, WorkerSignal.Resume) ?? status;
        Wake();
    }

    private void HandBack(WorkerDrain over)
    {
        lock (gate)
        {
            // Under the lock, so that nothing is ended any more once a resume was answered.
            if (!ReferenceEquals(drain, over))
                return;
            LogDeadline(held.Count);
            EndAll(StopCause.HandBack);
        }
    }

    [LoggerMessage(EventId = 1110, Level = LogLevel.Information, Message = "Drained by an operator: no new job is taken; {Jobs} running may go on {Deadline}; note: {Note}")]
    private partial void LogDrained(int jobs, string deadline, string note);

    [LoggerMessage(EventId = 1111, Level = LogLevel.Information, Message = "Resumed by an operator: jobs are taken again")]
    private partial void LogResumed();

    [LoggerMessage(EventId = 1112, Level = LogLevel.Warning, Message = "The deadline of the drain has come: {Jobs} running jobs are handed back to the queue")]
    private partial void LogDeadline(int jobs);
}
