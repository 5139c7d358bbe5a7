using Builds.Cluster;
using Builds.Jobs;

namespace Builds.Stores;

/// <summary>Spreads jobs over directories of at most a few thousand entries: <c>ROOT/MILLIONS/THOUSANDS/JOB</c>.</summary>
internal static class Sharding
{
    public static string Directory(string root, JobId job) =>
        Path.Combine(root, (job.Value / 1_000_000).ToString(), (job.Value / 1_000).ToString(), job.ToString());

    /// <summary>Deletes what lies there, so that it does not come back after a loss of power. Waits for the disk.</summary>
    public static void Delete(string root, JobId job)
    {
        var directory = Directory(root, job);
        try
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }

        KillPoint.Reached("store.deleted");
        var neighbours = Path.GetDirectoryName(directory)!;
        DurableFile.SyncDirectories(neighbours, neighbours);
    }
}
