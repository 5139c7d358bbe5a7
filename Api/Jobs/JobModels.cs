using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>A job as REST shows it (contract/rest section 4); the keys stand in this order.</summary>
/// <param name="Status">pending, queued, running, success or failed.</param>
/// <param name="Reason">Why it failed: task, setup, timeout, cancelled, worker-lost, artifact, limit or internal; null unless failed.</param>
/// <param name="SetupLog">Null until a runner has taken the job.</param>
/// <param name="Tasks">In manifest order.</param>
/// <param name="Note">Markdown.</param>
/// <param name="Runner">The worker of the current or last attempt; null until one has taken the job.</param>
/// <param name="Tags">Joined with a slash; empty when there are none.</param>
/// <param name="Waiting">
/// In the answer to GET of one job that is queued; null where it is not, in other answers, and while the queue cannot tell. Not in the
/// contract, so it stands after its keys.
/// </param>
/// <param name="Triggers">Those that fired at its end, in manifest order. Not in the contract either.</param>
/// <param name="Sources">What the current or last attempt has checked out, in manifest order. Not in the contract either.</param>
public sealed record JobModel(
    int Id,
    string Status,
    string? Reason,
    string? SetupLog,
    ImmutableArray<TaskModel> Tasks,
    string? Note,
    string? Runner,
    string Tags,
    OwnerModel Owner,
    WaitingModel? Waiting,
    ImmutableArray<TriggerModel> Triggers,
    ImmutableArray<SourceModel> Sources)
{
    public static JobModel From(JobSnapshot job, PublicOrigin origin, WaitingModel? waiting = null) => From(ListedJob.From(job), origin, waiting);

    public static JobModel From(ListedJob job, PublicOrigin origin, WaitingModel? waiting = null)
    {
        var taken = job.Attempt > 0;
        return new JobModel(
            job.Id.Value,
            job.Status.Word(),
            job.Reason?.Word(),
            taken ? origin.SetupLog(job.Id) : null,
            [.. job.Tasks.Select(task => new TaskModel(task.Name, task.Status.Word(), taken ? origin.TaskLog(job.Id, task.Name) : null))],
            job.Note,
            job.Worker,
            string.Join('/', job.Tags),
            OwnerModel.From(job.Owner),
            waiting,
            [.. job.Triggers.Select(TriggerModel.From)],
            [.. job.Sources.Select(source => new SourceModel(source.Source, source.Commit))]);
    }
}

/// <param name="Source">As the manifest names it, without a password.</param>
/// <param name="Commit">The full hash of what was checked out.</param>
public sealed record SourceModel(string Source, string Commit);

/// <summary>Why a queued job does not run yet.</summary>
/// <param name="Place">1 is next: its place among those that wait for the same, if nothing is submitted and every slot goes to them.</param>
/// <param name="Why">One sentence for people.</param>
public sealed record WaitingModel(int Place, string Why);

/// <param name="Status">pending, running, success, failed or skipped.</param>
/// <param name="Log">Null until a runner has taken the job.</param>
public sealed record TaskModel(string Name, string Status, string? Log);

/// <param name="CanonicalName">With the tilde.</param>
public sealed record OwnerModel(string CanonicalName, string Name)
{
    public static OwnerModel From(string user) => new("~" + user, user);
}

/// <summary>A file that a successful job left behind.</summary>
/// <param name="Id">1 to n within its job.</param>
/// <param name="Path">As the manifest has it.</param>
/// <param name="Name">The last component of the path.</param>
/// <param name="Size">In bytes.</param>
public sealed record ArtifactModel(int Id, string Created, string Path, string Name, string Url, long Size)
{
    public static ArtifactModel From(Artifact artifact, JobSnapshot job, PublicOrigin origin) => new(
        artifact.Number,
        ApiTime.Text(artifact.Created),
        artifact.Path,
        artifact.Name,
        origin.Artifact(job.Owner, job.Id, artifact.Key, artifact.Name),
        artifact.Size);
}
