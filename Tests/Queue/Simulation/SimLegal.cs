using Builds.Jobs;

namespace Builds.Tests.Queue.Simulation;

/// <summary>What <see cref="Legal"/> asserts, as plain comparisons: a million runs make some ten million steps.</summary>
internal static class SimLegal
{
    /// <summary>What is wrong with a step of a record, or null.</summary>
    public static string? Mistake(JobState before, JobState after, int maxAttempts)
    {
        if (before.Status.IsFinal())
            return "a final job changed";
        if (after.Attempt != before.Attempt && after.Attempt != before.Attempt + 1)
            return "an attempt was taken back or left out";
        if (after.Attempt > before.Attempt && (before.Status != JobStatus.Queued || after.Status != JobStatus.Running))
            return "something else than a claim made an attempt";
        if (after.Attempt == before.Attempt && before.Status != JobStatus.Running && after.Status == JobStatus.Running)
            return "a job runs that nobody claimed";
        if (before.CancelRequested && !after.CancelRequested)
            return "a cancel was forgotten";
        if ((after.Reason is not null) != (after.Status == JobStatus.Failed))
            return "a failed job without a reason, or a reason without failure";
        if (after.Lost > maxAttempts || (after.Lost == maxAttempts && after.Status != JobStatus.Failed))
            return "an attempt after the last allowed loss";
        if (after.Lost > after.EndedAttempts.Length)
            return "more losses than ended attempts";
        for (var index = 1; index < after.EndedAttempts.Length; index++)
        {
            if (after.EndedAttempts[index].Attempt <= after.EndedAttempts[index - 1].Attempt)
                return "an attempt ended twice";
        }

        for (var index = 0; index < after.Tasks.Length; index++)
        {
            var status = after.Tasks[index].Status;
            if (after.Status == JobStatus.Success && status is not (BuildTaskStatus.Success or BuildTaskStatus.Skipped))
                return "success with an open task";
            if (after.Status != JobStatus.Running && status == BuildTaskStatus.Running)
                return "a task runs in a job that does not";
            if (before.Attempt == after.Attempt && after.Status != JobStatus.Queued && TaskLifecycle.Merge(before.Tasks[index].Status, status) != status)
                return "a task went backwards";
        }

        return null;
    }
}
