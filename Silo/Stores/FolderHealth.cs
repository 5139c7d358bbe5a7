using System.Text.Json;
using Builds.Cluster;

namespace Builds.Stores;

/// <summary>The mark <c>store.json</c> of a directory, and whether files can be written there.</summary>
/// <param name="probe">A file name of this silo's own.</param>
internal sealed class FolderHealth(string directory, string probe, TimeProvider clock) : IStoreHealth
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly string mark = MarkOf(directory);
    private readonly Lock gate = new();
    private Task? looking;

    /// <summary>Whether a silo of a cluster has ever used this directory as its store.</summary>
    public static bool IsStore(string directory) => File.Exists(MarkOf(directory));

    // Away from the caller's thread: a directory of another machine may let it wait for long.
    public Task<string> StoreId(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            Directory.CreateDirectory(directory);
            // Of several silos that begin at once one writes, and all read that.
            if (!File.Exists(mark))
                DurableFile.Add(mark, JsonSerializer.Serialize(new Mark($"{Guid.NewGuid():N}")));
            return JsonSerializer.Deserialize<Mark>(File.ReadAllText(mark))?.Id is { Length: > 0 } id
                ? id
                : throw new IOException($"{mark} does not say which store this is; it holds {{\"Id\":\"...\"}} in a store that is whole");
        },
        cancellationToken);

    public async Task<string?> Missing(CancellationToken cancellationToken)
    {
        Task look;
        lock (gate)
        {
            // One at a time: what hangs is not asked again, or each question would cost a thread.
            if (looking is not { IsCompleted: false })
                looking = Task.Run(Look, CancellationToken.None);
            look = looking;
        }

        try
        {
            await look.WaitAsync(Patience, clock, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            return $"the store {directory} does not answer within {Patience.TotalSeconds} s";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"the store {directory} cannot be written: {error.Message}";
        }
    }

    private void Look()
    {
        var path = Path.Combine(directory, probe);
        File.WriteAllBytes(path, "ready"u8);
        File.Delete(path);
    }

    private static string MarkOf(string directory) => Path.Combine(directory, "store.json");

    private sealed record Mark(string Id);
}
