namespace Builds.Tests.Chaos.Measurements;

/// <summary>Minutes to hours long: skipped unless BUILDS_CHAOS_MEASURE says what is to be measured.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MeasurementFactAttribute : FactAttribute
{
    /// <summary>What is to be measured, and how often; null: nothing.</summary>
    public static readonly string? Asked = Environment.GetEnvironmentVariable("BUILDS_CHAOS_MEASURE") is { Length: > 0 } asked ? asked : null;

    public MeasurementFactAttribute() => Skip = Asked is null ? "takes long: say what is to be measured, for example BUILDS_CHAOS_MEASURE=kills:10" : null;
}
