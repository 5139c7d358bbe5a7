using Builds.Jobs;

namespace Builds.Tests.Silos;

/// <summary>What the stored record of a job must never be, and never become.</summary>
internal static class RecordRules
{
    /// <summary>What is wrong with this record, after that one; null: nothing.</summary>
    /// <param name="before">Null if it was never seen before.</param>
    public static string? Mistake(JobState? before, JobState now, int maxAttempts)
    {
        if (!now.EndedAttempts.Select(ended => ended.Attempt).SequenceEqual(Enumerable.Range(1, now.EndedAttempts.Length)))
            return "its ended attempts are not 1, 2, 3 …: one began before the one before it was given up";
        if (now.Attempt - now.EndedAttempts.Length is not (0 or 1))
            return "its attempt is neither the last that ended nor the one after";
        if (now.Status == JobStatus.Running && now.Attempt == now.EndedAttempts.Length)
            return "it is running, but its attempt was given up";
        if (now.Lost > maxAttempts || (now.Reason == FailReason.WorkerLost) != (now.Lost == maxAttempts && !now.CancelRequested))
            return $"it lost its worker {now.Lost} times, and that is not what its reason says";
        return before is null ? null : Change(before, now);
    }

    private static string? Change(JobState before, JobState now)
    {
        if (now.Revision < before.Revision)
            return "it went back to an earlier record: a write that others had read is lost";
        if (before.Status.IsFinal() && (now.Status, now.Reason, now.Attempt) != (before.Status, before.Reason, before.Attempt))
            return "it was final and changed";
        if (before.Status.IsFinal() && !now.Tasks.SequenceEqual(before.Tasks))
            return "it was final and its tasks changed";
        if (before.CancelRequested && (!now.CancelRequested || now.Attempt > before.Attempt))
            return "it was cancelled, and forgot it or ran again";
        if (now.EndedAttempts.Length < before.EndedAttempts.Length || !before.EndedAttempts.Zip(now.EndedAttempts).All(pair => Same(pair.First, pair.Second)))
            return "an ended attempt changed";
        var sameRun = now.Attempt == before.Attempt && now.EndedAttempts.Length == before.EndedAttempts.Length;
        if (sameRun && before.Tasks.Zip(now.Tasks).Any(pair => TaskLifecycle.Merge(pair.First.Status, pair.Second.Status) != pair.Second.Status))
            return "a task went backwards";
        return null;
    }

    private static bool Same(EndedAttempt one, EndedAttempt other) => one.Attempt == other.Attempt && one.Why == other.Why && one.Logs.SequenceEqual(other.Logs);
}
