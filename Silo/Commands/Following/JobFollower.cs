namespace Builds.Commands.Following;

/// <summary>Shows a job's logs in order while they grow: setup, then task by task, then what setup said last.</summary>
internal sealed class JobFollower(IFollowedJob source, FollowView view, TimeProvider clock)
{
    private const string Success = "success";
    private int attempt;
    private int current;
    private long offset;
    private long setupOffset;

    /// <summary>Follows to the end of the job, or with <paramref name="toEnd"/> false only to what is there now.</summary>
    public async Task<FollowedState> Follow(bool toEnd, CancellationToken cancellationToken)
    {
        view.IsTimed = !(await source.Get(cancellationToken)).IsFinal;
        while (true)
        {
            // The state before the log: what has ended by then has all its bytes in the log.
            var job = await source.Get(cancellationToken);
            if (job.Attempt > 0)
                await Show(job, cancellationToken);
            if (job.IsFinal || !toEnd)
            {
                await ShowLastWords(job, cancellationToken);
                view.Finish(job);
                return job;
            }

            view.Wait(job);
            await Task.Delay(source.Pause, clock, cancellationToken);
        }
    }

    private async Task Show(FollowedState job, CancellationToken cancellationToken)
    {
        if (attempt != job.Attempt)
            Begin(job);
        while (current < job.Tasks.Length)
        {
            var ended = await HasEnded(job, cancellationToken);
            offset += await source.Copy(job, current, offset, view.Output, cancellationToken);
            if (!ended)
                return;
            End(job);
        }
    }

    private void Begin(FollowedState job)
    {
        if (attempt > 0)
            view.Say($"attempt {job.Attempt}");
        (attempt, current, offset, setupOffset) = (job.Attempt, IFollowedJob.Setup, 0, 0);
        view.Start("setup");
    }

    /// <summary>Whether the current log is complete: the state says so, or the next log is there already.</summary>
    private async Task<bool> HasEnded(FollowedState job, CancellationToken cancellationToken)
    {
        var next = current + 1;
        if (current != IFollowedJob.Setup && !job.Tasks[current].IsPending && !job.Tasks[current].IsRunning)
            return true;
        // Later tasks stay pending when one fails.
        if (job.IsFinal || (next < job.Tasks.Length && !job.Tasks[next].IsPending))
            return true;
        return next < job.Tasks.Length && await source.HasLog(job, next, cancellationToken);
    }

    private void End(FollowedState job)
    {
        if (current == IFollowedJob.Setup)
            setupOffset = offset;
        else if (IsShown(job))
            // Known by the next one's log before the state says so.
            view.End(job.Tasks[current] is { IsRunning: true } or { IsPending: true } ? Success : job.Tasks[current].Status);
        current++;
        offset = 0;
        if (current >= job.Tasks.Length)
            return;
        if (IsShown(job))
            view.Start($"task {current + 1}/{job.Tasks.Length}: {job.Tasks[current].Name}");
        else if (job.Tasks[current].IsSkipped)
            view.Say($"task {current + 1}/{job.Tasks.Length}: {job.Tasks[current].Name}: skipped");
    }

    /// <summary>Whether the current task runs, did, or is about to; not so after a failure or an early end.</summary>
    private bool IsShown(FollowedState job) => !job.Tasks[current].IsSkipped && !(job.Tasks[current].IsPending && (job.IsFinal || job.Tasks.Take(current).Any(task => task.IsFailed)));

    // Artifacts are collected after the last task, and a cancelled job says so at its end.
    private async Task ShowLastWords(FollowedState job, CancellationToken cancellationToken)
    {
        if (attempt == 0 || current == IFollowedJob.Setup)
            return;
        using var words = new MemoryStream();
        await source.Copy(job, IFollowedJob.Setup, setupOffset, words, cancellationToken);
        if (words.Length == 0)
            return;
        view.Start("end");
        words.Position = 0;
        await words.CopyToAsync(view.Output, cancellationToken);
    }
}
