using System.Security.Cryptography;

namespace Builds.Cluster;

/// <summary>The directory of logs and artifacts that all silos of a cluster share.</summary>
/// <param name="Id">Tells it from every other directory.</param>
internal sealed record SharedStore(string Path, string Id)
{
    public string Logs => System.IO.Path.Combine(Path, "logs");

    public string Artifacts => System.IO.Path.Combine(Path, "artifacts");

    /// <summary>Throws <see cref="ClusterException"/> if there is none or it cannot be used.</summary>
    public static SharedStore Open(string? directory)
    {
        if (string.IsNullOrWhiteSpace(directory))
            throw new ClusterException("a cluster needs a store for logs and artifacts that every silo reaches. Name it with --store, for example --store /srv/builds.");
        var path = System.IO.Path.GetFullPath(directory);
        try
        {
            Directory.CreateDirectory(path);
            var marker = System.IO.Path.Combine(path, "store");
            if (!File.Exists(marker))
                Mark(marker);
            return new SharedStore(path, File.ReadAllText(marker).Trim());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"the store {path} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>Silos that start at the same time all write one, and the first one stays.</summary>
    private static void Mark(string marker)
    {
        var draft = $"{marker}.{Guid.NewGuid():N}";
        DurableFile.Write(draft, RandomNumberGenerator.GetHexString(32, lowercase: true) + "\n");
        try
        {
            File.Move(draft, marker, overwrite: false);
        }
        catch (IOException) when (File.Exists(marker))
        {
            File.Delete(draft);
        }
    }
}
