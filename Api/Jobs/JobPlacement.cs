using System.Collections.Immutable;
using System.Globalization;
using Builds.Queue;
using Builds.Requests;

namespace Builds.Jobs;

/// <summary>Where and how urgently a job is to run: the keys <c>priority</c>, <c>pool</c> and <c>labels</c> of a submission.</summary>
internal sealed record JobPlacement(int Priority, string Pool, ImmutableArray<string> Labels)
{
    public static JobPlacement Of(JobSubmission submission) => new(submission.Priority, submission.Pool, submission.Labels);

    /// <summary>What is wrong is told to <paramref name="fields"/>; then the answer means nothing.</summary>
    public static JobPlacement Read(RequestFields fields)
    {
        var priority = fields.Whole("priority") ?? 0;
        if (priority is < Placement.LowestPriority or > Placement.HighestPriority)
            fields.Refuse("priority", $"priority is {priority}: it must be {Placement.LowestPriority} to {Placement.HighestPriority}, where higher is earlier");
        var pool = fields.Text("pool") ?? Placement.DefaultPool;
        if (!Placement.IsName(pool))
            fields.Refuse("pool", $"pool is '{pool}': a pool's name {Placement.NameRule}");
        return new JobPlacement((int)Math.Clamp(priority, Placement.LowestPriority, Placement.HighestPriority), pool, ReadLabels(fields));
    }

    /// <summary>What differs from the usual.</summary>
    public IEnumerable<string> Words()
    {
        if (Priority != 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"priority:{Priority}");
        if (Pool != Placement.DefaultPool)
            yield return "pool:" + Pool;
        foreach (var label in Labels)
            yield return "label:" + label;
    }

    private static ImmutableArray<string> ReadLabels(RequestFields fields)
    {
        var labels = ImmutableArray.CreateBuilder<string>();
        foreach (var value in fields.List("labels") ?? [])
        {
            if (value is not FieldValue.Text { Value: var label })
                fields.Refuse("labels", "labels should be a list of str");
            else if (!Placement.IsName(label))
                fields.Refuse("labels", $"labels has '{label}': a label {Placement.NameRule}");
            else if (!labels.Contains(label))
                labels.Add(label);
        }

        if (labels.Count > Placement.MostLabels)
            fields.Refuse("labels", $"labels has {labels.Count} labels: a job may have {Placement.MostLabels}");
        return labels.ToImmutable();
    }
}
