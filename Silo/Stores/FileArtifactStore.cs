using System.Buffers;
using System.Security.Cryptography;
using Builds.Artifacts;
using Builds.Cluster;
using Builds.Jobs;
using Microsoft.Win32.SafeHandles;

namespace Builds.Stores;

/// <summary>
/// Artifacts as files: <c>ROOT/MILLIONS/THOUSANDS/JOB/KEY/NAME</c>. A file is written below <c>ROOT/incoming</c>, in a directory of the silo's own where many
/// share the store, and moved only when it is whole and on disk. Storing the same artifact again makes another file under another key; only keys that stand in the job's
/// record are ever read.
/// </summary>
public sealed class FileArtifactStore : IArtifactStore
{
    /// <summary>Below the root: what is not finished.</summary>
    internal const string Incoming = "incoming";

    private const int BufferSize = 128 * 1024;
    private const int KeyLength = 16;
    private const int LongestName = 255; // NAME_MAX of Linux, in bytes

    private readonly string root;
    private readonly string unfinished;
    private readonly TimeProvider clock;
    private readonly StorePatience patience;
    private readonly long maxSize;

    /// <summary>For one process at a time.</summary>
    /// <param name="maxSize">In bytes; what is larger is refused.</param>
    public FileArtifactStore(string directory, TimeProvider clock, long maxSize = IArtifactStore.MaxSize)
        : this(directory, clock, siloName: null, StorePatience.None, maxSize)
    {
    }

    internal FileArtifactStore(string directory, TimeProvider clock, string? siloName, StorePatience patience, long maxSize = IArtifactStore.MaxSize)
    {
        if (siloName is not null && !IsFileName(siloName))
            throw new ArgumentException($"silo name '{siloName}' cannot name a directory: 1 to {LongestName} bytes without '/', neither '.' nor '..'", nameof(siloName));
        root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        unfinished = siloName is null ? Path.Combine(root, Incoming) : Path.Combine(root, Incoming, siloName);
        (this.clock, this.patience, this.maxSize) = (clock, patience, maxSize);
    }

    /// <summary>Removes what an earlier process of this silo had not finished, and nothing of others. For the start, while nothing is being stored.</summary>
    public void RemoveUnfinished()
    {
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
    }

    public async Task<Artifact> Store(JobId job, int attempt, int number, string path, Stream content, CancellationToken cancellationToken)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (!IsFileName(name))
            throw NoFileName(path);

        var key = RandomNumberGenerator.GetHexString(KeyLength, lowercase: true);
        var incoming = Path.Combine(unfinished, $"{job}.{attempt}.{number}.{key}");
        try
        {
            var (size, hash) = await Copy(content, incoming, path, cancellationToken);
            await patience.Until(() => Publish(incoming, FileOf(job, key, name)), cancellationToken);
            return new Artifact(number, path, name, key, size, hash, clock.GetUtcNow());
        }
        finally
        {
            Remove(incoming);
        }
    }

    public Task<Stream?> Open(JobId job, string key, string name, CancellationToken cancellationToken)
    {
        if (key.Length != KeyLength || !key.All(char.IsAsciiHexDigitLower) || !IsFileName(name) || !File.Exists(FileOf(job, key, name)))
            return Task.FromResult<Stream?>(null);
        // Without a buffer of its own: whoever copies it has one.
        return Task.FromResult<Stream?>(new FileStream(FileOf(job, key, name), new FileStreamOptions { Share = FileShare.Read | FileShare.Delete, BufferSize = 0 }));
    }

    public Task Delete(JobId job, CancellationToken cancellationToken) => Task.Run(() => Sharding.Delete(root, job), cancellationToken);

    private async Task<(long Size, string Sha256)> Copy(Stream content, string target, string path, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = await Begin(target, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            long size = 0;
            while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                if (size + count > maxSize)
                    throw TooLarge(path, maxSize);
                hash.AppendData(buffer, 0, count);
                await patience.Until(() => RandomAccess.WriteAsync(file, buffer.AsMemory(0, count), size, cancellationToken), cancellationToken);
                size += count;
            }

            Sync(file, path);
            KillPoint.Reached("artifact.written");
            return (size, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<SafeFileHandle> Begin(string target, CancellationToken cancellationToken)
    {
        SafeFileHandle? file = null;
        await patience.Until(
            () =>
            {
                Directory.CreateDirectory(unfinished);
                // Its name is drawn: if it is there, an earlier try of this call made it.
                file = File.OpenHandle(target, FileMode.Create, FileAccess.Write);
                return ValueTask.CompletedTask;
            },
            cancellationToken);
        return file!;
    }

    private static void Sync(SafeFileHandle file, string path)
    {
        try
        {
            RandomAccess.FlushToDisk(file);
        }
        catch (IOException error)
        {
            throw new LostBytesException($"artifact '{path}' could not be written to disk: {error.Message}", error);
        }
    }

    private ValueTask Publish(string incoming, string final)
    {
        var home = Path.GetDirectoryName(final)!;
        // Moved already where an earlier try failed later.
        if (!File.Exists(final))
        {
            Directory.CreateDirectory(home);
            File.Move(incoming, final);
        }

        KillPoint.Reached("artifact.renamed");
        DurableFile.SyncDirectories(home, root);
        KillPoint.Reached("artifact.stored");
        return ValueTask.CompletedTask;
    }

    private static void Remove(string incoming)
    {
        try
        {
            // Nothing to delete if it was moved.
            File.Delete(incoming);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The store cannot be reached; the next start of this silo removes it. What is told is why it could not be stored.
        }
    }

    private string FileOf(JobId job, string key, string name) => Path.Combine(Sharding.Directory(root, job), key, name);

    internal static ArgumentException NoFileName(string path) =>
        new($"artifact '{path}' ends in no file name: its last part must have 1 to {LongestName} bytes and be neither '.' nor '..'", nameof(path));

    internal static ArtifactTooLargeException TooLarge(string path, long maxSize) => new($"artifact '{path}' has more than {maxSize} bytes, the limit for one artifact");

    internal static bool IsFileName(string name) =>
        name is not ("" or "." or "..") && !name.AsSpan().ContainsAny('/', '\0') && System.Text.Encoding.UTF8.GetByteCount(name) <= LongestName;
}
