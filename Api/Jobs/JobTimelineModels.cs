using System.Collections.Immutable;

namespace Builds.Jobs;

/// <param name="Results">Oldest first.</param>
public sealed record JobTimelineModel(ImmutableArray<JobEventModel> Results)
{
    public static JobTimelineModel From(JobSnapshot job) => new([.. job.Timeline.Select(JobEventModel.From)]);
}

/// <summary>What was decided about a job.</summary>
/// <param name="At">UTC, to the millisecond: a job is queued, claimed and started within one second. By the clock of the silo that decided.</param>
/// <param name="Event">submitted, started, queued, claimed, cancel-requested, lost, handed-back, requeued, finished, or folded for what a long timeline leaves out.</param>
/// <param name="Attempt">0 before the first.</param>
/// <param name="Worker">Null where no worker has a part in it.</param>
/// <param name="Detail">For people: why, or how it ended.</param>
public sealed record JobEventModel(string At, string Event, int Attempt, string? Worker, string? Detail)
{
    public static JobEventModel From(JobEvent entry) => new(ApiTime.Exact(entry.At), entry.Event.Word(), entry.Attempt, entry.Worker, entry.Detail);
}
