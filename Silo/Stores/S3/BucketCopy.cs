using System.Globalization;
using System.Text.Json;
using Builds.Cluster;
using Builds.Jobs;

namespace Builds.Stores.S3;

/// <summary>Logs and artifacts of a data directory go to a bucket. Nobody writes in either meanwhile.</summary>
internal sealed class BucketCopy(DataDirectory data, IBucket bucket)
{
    private const int AtOnce = 16;
    private const int BufferSize = 1 << 20;
    private const string Artifacts = "artifacts";

    private readonly LogPaths paths = new(data.Logs);
    private int copied;

    /// <summary>
    /// Copies all of it, and returns when the service has it. What is there already with the same length was copied by an earlier try, which may have been cut off anywhere. Throws
    /// <see cref="IOException"/> where the service does not do it.
    /// </summary>
    /// <returns>How many logs and artifacts there are.</returns>
    public async Task<int> Run(CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Attempts(), options, async (attempt, token) => await CopyLogs(attempt.Job, attempt.Number, token));
        await Parallel.ForEachAsync(ArtifactFiles(), options, async (file, token) =>
        {
            await Copy(file, new FileInfo(file).Length, $"{Artifacts}/{Path.GetRelativePath(data.Artifacts, file)}", token);
            Interlocked.Increment(ref copied);
        });
        return copied;
    }

    private IEnumerable<(JobId Job, int Number)> Attempts()
    {
        foreach (var job in Below(paths.Root).SelectMany(Below).SelectMany(Below))
        {
            if (!JobId.TryParse(Path.GetFileName(job), out var id))
                continue;
            foreach (var attempt in Below(job))
                yield return (id, int.Parse(Path.GetFileName(attempt), CultureInfo.InvariantCulture));
        }
    }

    private IEnumerable<string> ArtifactFiles() =>
        from millions in Below(data.Artifacts)
        // What was not finished is of nobody.
        where millions != Path.Combine(data.Artifacts, FileArtifactStore.Incoming)
        from file in Directory.EnumerateFiles(millions, "*", SearchOption.AllDirectories)
        select file;

    private async Task CopyLogs(JobId job, int attempt, CancellationToken cancellationToken)
    {
        var closed = paths.Closed(job, attempt);
        foreach (var task in paths.Tasks(job, attempt))
        {
            var key = new LogKey(job, attempt, task);
            var counts = closed?.FirstOrDefault(log => log.Task == task);
            if (paths.Find(key) is not { } log || (closed is not null && counts is null))
                continue;
            await bucket.Put(LogObjects.Log(key) + LogObjects.Begun, ReadOnlyMemory<byte>.Empty, cancellationToken);
            var isEnded = counts is not null || log.Phase > LogPhase.Open;
            var length = counts?.Length ?? log.Length;
            // An empty segment would be an end, and the attempt may not have been given up yet.
            if (isEnded || length > 0)
                await Copy(log.Path, length, isEnded ? LogObjects.Log(key) + LogObjects.Whole : LogObjects.Segment(key, 0), cancellationToken);
            Interlocked.Increment(ref copied);
        }

        if (closed is null)
            return;
        await bucket.Put(LogObjects.Closing(job, attempt), ReadOnlyMemory<byte>.Empty, cancellationToken);
        await bucket.Put(LogObjects.Closed(job, attempt), JsonSerializer.SerializeToUtf8Bytes(closed.Value.ToArray()), cancellationToken);
    }

    private async Task Copy(string file, long length, string key, CancellationToken cancellationToken)
    {
        if (await bucket.Find(key, cancellationToken) is { Size: var size })
        {
            if (size == length)
                return;
            await bucket.Delete([key], cancellationToken);
        }

        using var content = File.OpenHandle(file);
        await using var upload = new ObjectUpload(bucket, key, StorePatience.None);
        var buffer = new byte[Math.Min(length, BufferSize)];
        for (long offset = 0; offset < length;)
        {
            var count = await RandomAccess.ReadAsync(content, buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - offset)), offset, cancellationToken);
            if (count == 0)
                throw new EndOfStreamException($"{file} was to have {length} bytes, and has {offset}");
            await upload.Write(buffer.AsMemory(0, count), cancellationToken);
            offset += count;
        }

        await upload.Complete(cancellationToken);
    }

    private static IEnumerable<string> Below(string directory) => Directory.Exists(directory) ? Directory.EnumerateDirectories(directory) : [];
}
