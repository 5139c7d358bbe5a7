using System.Buffers;
using System.Security.Cryptography;
using Builds.Artifacts;
using Builds.Jobs;

namespace Builds.Stores.S3;

/// <summary>
/// Artifacts as objects <c>artifacts/MILLIONS/THOUSANDS/JOB/KEY/NAME</c>. Storing the same artifact again makes another object under another key; only keys that
/// stand in the job's record are ever read.
/// </summary>
/// <param name="maxSize">In bytes; what is larger is refused.</param>
internal sealed class ObjectArtifactStore(
    IBucket bucket, Func<string, string, CancellationToken, Task<Uri>>? sign, StorePatience patience, TimeProvider clock, long maxSize = IArtifactStore.MaxSize) : IArtifactStore
{
    private const int BufferSize = 128 * 1024;
    private const int KeyLength = 16;

    public async Task<Artifact> Store(JobId job, int attempt, int number, string path, Stream content, CancellationToken cancellationToken)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (!FileArtifactStore.IsFileName(name))
            throw FileArtifactStore.NoFileName(path);

        var key = RandomNumberGenerator.GetHexString(KeyLength, lowercase: true);
        await using var upload = new ObjectUpload(bucket, KeyOf(job, key, name), patience);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            long size = 0;
            while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                size += count;
                if (size > maxSize)
                    throw FileArtifactStore.TooLarge(path, maxSize);
                hash.AppendData(buffer, 0, count);
                await upload.Write(buffer.AsMemory(0, count), cancellationToken);
            }

            await upload.Complete(cancellationToken);
            return new Artifact(number, path, name, key, size, Convert.ToHexStringLower(hash.GetHashAndReset()), clock.GetUtcNow());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public async Task<Stream?> Open(JobId job, string key, string name, CancellationToken cancellationToken) =>
        IsKey(key) && FileArtifactStore.IsFileName(name) && await bucket.Find(KeyOf(job, key, name), cancellationToken) is { Size: var size }
            ? new ObjectStream(bucket, KeyOf(job, key, name), size)
            : null;

    public async Task<Uri?> Link(JobId job, string key, string name, CancellationToken cancellationToken) =>
        sign is null || !IsKey(key) || !FileArtifactStore.IsFileName(name) ? null : await sign(KeyOf(job, key, name), name, cancellationToken);

    public Task Delete(JobId job, CancellationToken cancellationToken) => bucket.DeleteAll($"{Home(job)}/", cancellationToken);

    private static string Home(JobId job) => Sharding.Directory("artifacts", job);

    private static string KeyOf(JobId job, string key, string name) => $"{Home(job)}/{key}/{name}";

    private static bool IsKey(string key) => key.Length == KeyLength && key.All(char.IsAsciiHexDigitLower);
}
