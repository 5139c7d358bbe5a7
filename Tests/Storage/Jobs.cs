using Builds.Jobs;
using Builds.Logs;

namespace Builds.Tests.Storage;

/// <summary>Job records to store.</summary>
internal static class Jobs
{
    /// <summary>Every property has a value that is not its default.</summary>
    public static JobState Full(int id) => new()
    {
        Id = new JobId(id),
        Owner = "mia",
        Status = JobStatus.Running,
        Reason = FailReason.WorkerLost,
        Detail = "it's \"gone\"",
        Attempt = 2,
        Lost = 1,
        Worker = "worker-1",
        Incarnation = 5_000_000_000,
        DispatchId = "d-1",
        ReportSequence = 17,
        CancelRequested = true,
        Tasks = [new("build", BuildTaskStatus.Success), new("test", BuildTaskStatus.Running)],
        Manifest = "image: host\n# größer <&> \u0001 😀\n",
        Image = "host",
        Note = "two\nlines",
        Tags = ["a", "b.c"],
        Visibility = Visibility.Private,
        Secrets = true,
        Created = Some.Time,
        QueuedAt = Some.Time.AddTicks(1),
        Started = Some.Time.AddSeconds(1),
        Finished = Some.Time.AddMinutes(1),
        Updated = Some.Time.AddHours(1),
        EndedAttempts = [new(1, "lost", [new LogLength(null, 12), new LogLength("build", 5_000_000_000)])],
        Artifacts = [new(1, "out/a.txt", "a.txt", "0123456789abcdef", 3, new('a', 64), Some.Time)],
        Revision = 9,
        ArtifactsExpired = Some.Time.AddDays(90),
        LogsExpired = Some.Time.AddDays(91),
        Triggers = [new() { Number = 2, Action = "webhook", Condition = "always", Attempts = 1, Error = "no answer within 10 s", At = Some.Time, Next = Some.Time.AddMinutes(2) }],
        TellGroup = true,
        TriggersDue = Some.Time.AddMinutes(2),
    };

    public static JobState Queued(int id, string owner = "mia", DateTimeOffset? queuedAt = null) => new()
    {
        Id = new JobId(id),
        Owner = owner,
        Status = JobStatus.Queued,
        Image = "host",
        Manifest = Some.Manifest,
        Created = Some.Time,
        Updated = Some.Time,
        QueuedAt = queuedAt ?? Some.Time,
        Revision = 1,
    };
}
