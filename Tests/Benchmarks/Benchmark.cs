namespace Builds.Benchmarks;

/// <summary>One topic: its figures and their ceilings, measured together.</summary>
internal abstract class Benchmark
{
    /// <summary>For <c>--only</c>.</summary>
    public abstract string Name { get; }

    /// <summary>One sentence for <c>--help</c>.</summary>
    public abstract string Says { get; }

    /// <summary>Why this machine cannot do it; null if it can.</summary>
    public virtual string? Obstacle => null;

    /// <param name="directory">On the disk that is measured; empty, and removed afterwards.</param>
    public abstract Task Run(Scale scale, string directory, Table table);
}
