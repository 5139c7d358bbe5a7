using System.Collections.Concurrent;
using Builds.Stores.S3;

namespace Builds.Tests.Stores.S3;

/// <summary>What can happen to one call.</summary>
internal enum Mishap
{
    None,
    /// <summary>It does not get there.</summary>
    Refused,
    /// <summary>It is done, and nobody hears of it.</summary>
    AnswerLost,
}

/// <summary>
/// A bucket in memory, for runs by the thousand: what the stores make of its answers is what counts here. That a real service answers so is for the tests with
/// <see cref="S3Server"/>. Its pages are short, so that going on to the next one is tried.
/// </summary>
internal sealed class MemoryBucket : IBucket
{
    private const int PageSize = 3;

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, (byte[] Content, string? Writer)> objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<int, byte[]>> uploads = [];

    /// <summary>Asked before each call, with its name and key.</summary>
    public Func<string, string, Mishap> Fate { get; set; } = (_, _) => Mishap.None;

    /// <summary>Every call that got there.</summary>
    public ConcurrentQueue<string> Calls { get; } = [];

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (gate)
                return [.. objects.Keys];
        }
    }

    /// <summary>How many have begun, and neither ended nor been aborted.</summary>
    public int Uploads
    {
        get
        {
            lock (gate)
                return uploads.Count;
        }
    }

    /// <summary>As a rule of the bucket does after a time.</summary>
    public void DropUploads()
    {
        lock (gate)
            uploads.Clear();
    }

    public Task<bool> PutNew(string key, ReadOnlyMemory<byte> content, string writer, CancellationToken cancellationToken) =>
        Do("put-new", key, () => objects.TryAdd(key, (content.ToArray(), writer)));

    public Task Put(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Do("put", key, () => objects[key] = (content.ToArray(), null));

    public Task<FoundObject?> Find(string key, CancellationToken cancellationToken) =>
        Do<FoundObject?>("find", key, () => objects.TryGetValue(key, out var found) ? new FoundObject(found.Content.Length, found.Writer) : null);

    public Task<int?> Read(string key, long offset, Memory<byte> buffer, CancellationToken cancellationToken) => Do<int?>(
        "read", key,
        () =>
        {
            if (!objects.TryGetValue(key, out var found))
                return null;
            var rest = found.Content.AsMemory((int)Math.Min(offset, found.Content.Length));
            rest = rest[..Math.Min(rest.Length, buffer.Length)];
            rest.CopyTo(buffer);
            return rest.Length;
        });

    public Task<ObjectPage> List(string prefix, string? after, CancellationToken cancellationToken) => Do(
        "list", prefix,
        () =>
        {
            var found = objects.Where(one => one.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(one.Key, after) > 0)
                .Select(one => new ListedObject(one.Key, one.Value.Content.Length)).Take(PageSize + 1).ToArray();
            return new ObjectPage([.. found.Take(PageSize)], found.Length > PageSize);
        });

    public Task<IReadOnlyList<string>> Folders(string prefix, CancellationToken cancellationToken) => Do<IReadOnlyList<string>>(
        "folders", prefix,
        () => [.. objects.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && key.AsSpan(prefix.Length).Contains('/')).Select(key => key[prefix.Length..].Split('/')[0]).Distinct()]);

    public Task Delete(IReadOnlyList<string> keys, CancellationToken cancellationToken) => Do("delete", keys[0], () => keys.Count(objects.Remove));

    public Task<string> BeginUpload(string key, CancellationToken cancellationToken) => Do(
        "begin-upload", key,
        () =>
        {
            var name = $"{uploads.Count}-{key}";
            uploads[name] = [];
            return name;
        });

    public Task<string> PutPart(string key, string upload, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Do(
        "put-part", key,
        () =>
        {
            uploads[upload][number] = content.ToArray();
            return $"tag {number}";
        });

    public Task<bool> CompleteUpload(string key, string upload, IReadOnlyList<string> parts, CancellationToken cancellationToken) => Do(
        "complete-upload", key,
        () =>
        {
            if (!uploads.Remove(upload, out var stored))
                return false;
            parts.ShouldBe(stored.Keys.Select(number => $"tag {number}"));
            stored.Values.SkipLast(1).ShouldAllBe(part => part.Length >= 5 << 20);
            var whole = new byte[stored.Values.Sum(part => part.Length)];
            var length = 0;
            foreach (var part in stored.Values)
            {
                part.CopyTo(whole, length);
                length += part.Length;
            }

            objects[key] = (whole, null);
            return true;
        });

    public Task AbortUpload(string key, string upload, CancellationToken cancellationToken) => Do("abort-upload", key, () => uploads.Remove(upload));

    public override string ToString() => "s3://memory";

    private async Task<T> Do<T>(string call, string key, Func<T> act)
    {
        // As if it went over a network.
        await Task.Yield();
        var fate = Fate(call, key);
        if (fate == Mishap.Refused)
            throw new IOException($"the test refuses {call} {key}");
        T result;
        lock (gate)
        {
            Calls.Enqueue($"{call} {key}");
            result = act();
        }

        return fate == Mishap.AnswerLost ? throw new IOException($"the test loses the answer to {call} {key}") : result;
    }
}
