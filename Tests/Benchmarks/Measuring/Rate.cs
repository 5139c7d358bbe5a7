namespace Builds.Benchmarks.Measuring;

/// <summary>What was done, and in which time.</summary>
/// <param name="Amount">Operations, or MiB.</param>
/// <param name="Took">From the first begin to the last end, warm-up left out.</param>
/// <param name="Processor">Time of processors in between (<see cref="ProcessorTime"/>).</param>
/// <param name="Samples">Of each operation.</param>
internal sealed record Rate(double Amount, TimeSpan Took, TimeSpan Processor, Samples Samples)
{
    public double PerSecond => Amount / Took.TotalSeconds;

    public TimeSpan ProcessorEach => Processor / Amount;

    public static Rate Sum(IReadOnlyCollection<Rate> rates)
    {
        var samples = new Samples();
        foreach (var rate in rates)
            samples.Add(rate.Samples);
        return new Rate(rates.Sum(rate => rate.Amount), TimeSpan.FromTicks(rates.Sum(rate => rate.Took.Ticks)), TimeSpan.FromTicks(rates.Sum(rate => rate.Processor.Ticks)), samples);
    }
}
