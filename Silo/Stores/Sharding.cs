using Builds.Jobs;

namespace Builds.Stores;

/// <summary>Spreads jobs over directories of at most a few thousand entries: <c>ROOT/MILLIONS/THOUSANDS/JOB</c>.</summary>
internal static class Sharding
{
    public static string Directory(string root, JobId job) =>
        Path.Combine(root, (job.Value / 1_000_000).ToString(), (job.Value / 1_000).ToString(), job.ToString());
}
