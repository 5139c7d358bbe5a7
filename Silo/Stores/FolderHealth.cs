using Builds.Cluster;

namespace Builds.Stores;

/// <summary>The mark <c>store.json</c> of a directory, and whether files can be written there.</summary>
/// <param name="probe">A file name of this silo's own.</param>
internal sealed class FolderHealth(string directory, string probe, TimeProvider clock) : IStoreHealth
{
    // Away from the caller's thread: a directory of another machine may let it wait for long.
    private readonly StoreLook look = new(directory, () => Task.Run(() => Write(directory, probe), CancellationToken.None), clock);

    /// <summary>Whether a silo of a cluster has ever used this directory as its store.</summary>
    public static bool IsStore(string directory) => File.Exists(MarkOf(directory));

    public Task<string> StoreId(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var mark = MarkOf(directory);
            Directory.CreateDirectory(directory);
            // Of several silos that begin at once one writes, and all read that.
            if (!File.Exists(mark))
                DurableFile.Add(mark, StoreMark.New());
            return StoreMark.IdIn(File.ReadAllBytes(mark), mark);
        },
        cancellationToken);

    public Task<string?> Missing(CancellationToken cancellationToken) => look.Missing(cancellationToken);

    private static void Write(string directory, string probe)
    {
        var path = Path.Combine(directory, probe);
        File.WriteAllBytes(path, "ready"u8);
        File.Delete(path);
    }

    private static string MarkOf(string directory) => Path.Combine(directory, StoreMark.Name);
}
