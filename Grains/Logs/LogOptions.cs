using System.ComponentModel.DataAnnotations;

namespace Builds.Logs;

/// <summary>How much a build may write.</summary>
public sealed class LogOptions
{
    public const string Section = "Builds:Logs";

    /// <summary>Bytes of output that one job may write, earlier attempts included, before it fails with limit. Default 1 GiB.</summary>
    [Range(1024, 1L << 40)]
    public long MaxJobBytes { get; set; } = 1L << 30;
}
