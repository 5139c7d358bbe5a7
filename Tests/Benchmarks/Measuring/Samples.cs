namespace Builds.Benchmarks.Measuring;

/// <summary>How long single operations took: every one of them, so that a percentile is one that happened.</summary>
internal sealed class Samples
{
    private readonly List<TimeSpan> all = [];

    public int Count => all.Count;

    public void Add(TimeSpan took) => all.Add(took);

    public void Add(Samples others) => all.AddRange(others.all);

    /// <summary>Null without samples.</summary>
    public TimeSpan? Mean => all.Count == 0 ? null : TimeSpan.FromTicks(all.Sum(sample => sample.Ticks) / all.Count);

    /// <summary>The smallest sample that at least this share of them do not exceed; null without samples.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    public TimeSpan? Percentile(double share)
    {
        if (all.Count == 0)
            return null;
        all.Sort();
        return all[Math.Max(0, (int)Math.Ceiling(share * all.Count) - 1)];
    }
}
