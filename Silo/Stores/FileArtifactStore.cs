using System.Buffers;
using System.Security.Cryptography;
using Builds.Artifacts;
using Builds.Cluster;
using Builds.Jobs;

namespace Builds.Stores;

/// <summary>
/// Artifacts as files: <c>ROOT/MILLIONS/THOUSANDS/JOB/KEY/NAME</c>. A file is written below <c>ROOT/incoming</c> and moved only when
/// it is whole and on disk. Storing the same artifact again makes another file under another key; only keys that stand in the job's
/// record are ever read.
/// </summary>
/// <param name="maxSize">In bytes; what is larger is refused.</param>
public sealed class FileArtifactStore(string directory, TimeProvider clock, long maxSize = IArtifactStore.MaxSize) : IArtifactStore
{
    private const int BufferSize = 128 * 1024;
    private const int KeyLength = 16;
    private const int LongestName = 255; // NAME_MAX of Linux, in bytes

    private readonly string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));

    private string Incoming => Path.Combine(root, "incoming");

    /// <summary>Removes what a killed process had not finished. For the start, while nothing is being stored.</summary>
    public void RemoveUnfinished()
    {
        if (Directory.Exists(Incoming))
            Directory.Delete(Incoming, recursive: true);
    }

    public async Task<Artifact> Store(JobId job, int attempt, int number, string path, Stream content, CancellationToken cancellationToken)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (!IsFileName(name))
            throw new ArgumentException($"artifact '{path}' ends in no file name: its last part must have 1 to {LongestName} bytes and be neither '.' nor '..'", nameof(path));

        var key = RandomNumberGenerator.GetHexString(KeyLength, lowercase: true);
        var incoming = Path.Combine(Incoming, $"{job}.{attempt}.{number}.{key}");
        Directory.CreateDirectory(Incoming);
        try
        {
            var (size, hash) = await Copy(content, incoming, path, cancellationToken);
            Publish(incoming, FileOf(job, key, name));
            return new Artifact(number, path, name, key, size, hash, clock.GetUtcNow());
        }
        finally
        {
            // Nothing to delete if it was moved.
            File.Delete(incoming);
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
        using var file = File.OpenHandle(target, FileMode.CreateNew, FileAccess.Write);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            long size = 0;
            while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                if (size + count > maxSize)
                    throw new ArtifactTooLargeException($"artifact '{path}' has more than {maxSize} bytes, the limit for one artifact");
                hash.AppendData(buffer, 0, count);
                await RandomAccess.WriteAsync(file, buffer.AsMemory(0, count), size, cancellationToken);
                size += count;
            }

            RandomAccess.FlushToDisk(file);
            KillPoint.Reached("artifact.written");
            return (size, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Publish(string incoming, string final)
    {
        var home = Path.GetDirectoryName(final)!;
        Directory.CreateDirectory(home);
        File.Move(incoming, final);
        KillPoint.Reached("artifact.renamed");
        DurableFile.SyncDirectories(home, root);
        KillPoint.Reached("artifact.stored");
    }

    private string FileOf(JobId job, string key, string name) => Path.Combine(Sharding.Directory(root, job), key, name);

    private static bool IsFileName(string name) =>
        name is not ("" or "." or "..") && !name.AsSpan().ContainsAny('/', '\0') && System.Text.Encoding.UTF8.GetByteCount(name) <= LongestName;
}
