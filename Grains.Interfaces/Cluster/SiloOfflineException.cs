namespace Builds.Cluster;

/// <summary>
/// A grain that lives on one silo was called while no active silo has that name: it has left, has died, or never was there. Nothing
/// was carried out.
/// </summary>
[GenerateSerializer, Alias("SiloOfflineException")]
public sealed class SiloOfflineException(string silo) : Exception($"no active silo is called '{silo}'")
{
    /// <summary>The name that was asked for.</summary>
    [Id(0)] public string Silo { get; } = silo;
}
