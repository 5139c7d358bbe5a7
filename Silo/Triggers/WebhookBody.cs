using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using Builds.Jobs;

namespace Builds.Triggers;

/// <summary>What a webhook is told (contract/manifest section 8); the keys stand in this order. The same for each try.</summary>
internal static class WebhookBody
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Of(TriggerSubject subject, PublicOrigin origin) => subject switch
    {
        TriggerSubject.OfJob(var job) => JsonSerializer.Serialize(JobBody.From(JobModel.From(job, origin)), Json),
        TriggerSubject.OfGroup(var group, var members) => JsonSerializer.Serialize(GroupBody.From(group, members), Json),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <param name="Tasks">Null where there are none.</param>
    private sealed record JobBody(int Id, string Status, string? SetupLog, ImmutableArray<TaskModel>? Tasks, string? Note, string? Runner, OwnerModel Owner)
    {
        public static JobBody From(JobModel job) => new(job.Id, job.Status, job.SetupLog, job.Tasks.IsEmpty ? null : job.Tasks, job.Note, job.Runner, job.Owner);
    }

    /// <summary>The original sends none for groups: this is their REST form, with a status.</summary>
    private sealed record GroupBody(int Id, string Status, string? Note, OwnerModel Owner, ImmutableArray<ShortJobModel> Jobs)
    {
        public static GroupBody From(JobGroupEnd group, ImmutableArray<JobSnapshot> members) => new(
            group.Group.Id,
            (group.Success ? JobStatus.Success : JobStatus.Failed).Word(),
            group.Group.Note,
            OwnerModel.From(group.Group.Owner),
            [.. members.Select(job => new ShortJobModel(job.Id.Value, job.Status.Word()))]);
    }
}
