namespace Builds.Tests.Chaos.Measurements;

/// <summary>Minutes to hours long: skipped unless BUILDS_CHAOS_MEASURE says what is to be measured.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MeasurementFactAttribute : FactAttribute
{
    public MeasurementFactAttribute() =>
        Skip = Environment.GetEnvironmentVariable("BUILDS_CHAOS_MEASURE") is { Length: > 0 } ? null : "takes long: say what is to be measured, for example BUILDS_CHAOS_MEASURE=kills:10";
}
