using System.Text.Json;
using Builds.Cluster;

namespace Builds.Workers;

/// <summary>
/// The worker's name and how often it was started. A higher incarnation proves to the queue that everything of the earlier one is gone, so
/// it is on disk before anything runs under it, and no clock has a say.
/// </summary>
internal static class WorkerFile
{
    /// <summary>Who the worker is in this start. Only for the holder of the directory's lock, once per start.</summary>
    public static WorkerIdentity NextStart(DataDirectory data)
    {
        var known = Read(data.Worker);
        var next = known is null ? new WorkerIdentity(Environment.MachineName, 1) : known with { Incarnation = known.Incarnation + 1 };
        DurableFile.Write(data.Worker, JsonSerializer.Serialize(next));
        KillPoint.Reached("worker.start-counted");
        return next;
    }

    private static WorkerIdentity? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize<WorkerIdentity>(File.ReadAllText(path)) is { Name.Length: > 0, Incarnation: > 0 } known
                ? known
                : throw Damaged(path, "It does not hold a name and how often this worker was started.");
        }
        catch (JsonException error)
        {
            throw Damaged(path, error.Message, error);
        }
    }

    private static DataDirectoryException Damaged(string path, string how, Exception? cause = null) =>
        new($"{path} is damaged: {how} Restore it, or delete it if no job is running.", cause);
}
