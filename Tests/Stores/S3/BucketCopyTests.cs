using System.Text;
using Builds.Artifacts;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;
using Builds.Stores.S3;

namespace Builds.Tests.Stores.S3;

/// <summary>What a silo that was alone has kept in files is read from a bucket as it was.</summary>
public sealed class BucketCopyTests : IDisposable
{
    private const int Large = 9_000_000;
    private static readonly JobId Job = new(1_002_003);
    private static readonly byte[] Noise = [.. Enumerable.Range(0, Large).Select(number => (byte)(number * 7919 >> 5))];

    private readonly TempFolder folder = new();
    private readonly ObjectStores stores = new();
    private readonly DataDirectory data;
    private readonly FileLogStore logs;
    private readonly FileArtifactStore artifacts;

    public BucketCopyTests()
    {
        data = DataDirectory.Create(folder.Path);
        (logs, artifacts) = (new FileLogStore(data.Logs), new FileArtifactStore(data.Artifacts, TimeProvider.System));
    }

    public void Dispose()
    {
        stores.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Logs_that_ended_and_such_that_did_not_and_artifacts_are_all_there_after_a_repeat_too()
    {
        var bucket = new MemoryBucket();
        var artifact = await Fill();

        (await new BucketCopy(data, bucket).Run(default)).ShouldBe(7);
        await Check(bucket, artifact);
        var keys = bucket.Keys;
        (await new BucketCopy(data, bucket).Run(default)).ShouldBe(7);

        bucket.Keys.ShouldBe(keys);
        await Check(bucket, artifact);
    }

    /// <summary>Cut off at each call in turn, then tried again: the result is the same.</summary>
    [Fact]
    public async Task A_try_that_was_cut_off_anywhere_is_made_good_by_the_next_one()
    {
        var artifact = await Fill();
        var whole = new MemoryBucket();
        await new BucketCopy(data, whole).Run(default);
        for (var last = 0; last < whole.Calls.Count; last++)
        {
            var (bucket, calls) = (new MemoryBucket(), 0);
            bucket.Fate = (_, _) => Interlocked.Increment(ref calls) > last ? Mishap.Refused : Mishap.None;
            await Should.ThrowAsync<IOException>(new BucketCopy(data, bucket).Run(default));
            bucket.Fate = (_, _) => Mishap.None;

            (await new BucketCopy(data, bucket).Run(default)).ShouldBe(7);

            bucket.Keys.ShouldBe(whole.Keys);
        }

        await Check(whole, artifact);
    }

    /// <summary>The silo was started again after the first try.</summary>
    [Fact]
    public async Task What_went_on_since_an_earlier_try_is_brought_up_to_date()
    {
        var bucket = new MemoryBucket();
        await using (var log = await logs.Create(Job, 1, null, default))
        {
            await log.Append("one "u8.ToArray(), default);
            await new BucketCopy(data, bucket).Run(default);
            (await Text(bucket, 1, null)).ShouldBe(("one ", false));
            await log.Append("two "u8.ToArray(), default);
            await new BucketCopy(data, bucket).Run(default);
            (await Text(bucket, 1, null)).ShouldBe(("one two ", false));
            await log.Append("three"u8.ToArray(), default);
            await log.Seal(default);
        }

        await new BucketCopy(data, bucket).Run(default);

        (await Text(bucket, 1, null)).ShouldBe(("one two three", true));
    }

    [S3Fact]
    public async Task With_a_real_server_it_is_the_same()
    {
        await using var door = await S3Door.Open();
        var bucket = door.Bucket(S3Door.Place());
        var artifact = await Fill();

        (await new BucketCopy(data, bucket).Run(default)).ShouldBe(7);

        await Check(bucket, artifact);
    }

    /// <summary>An attempt that was given up in the midst, and one that goes on.</summary>
    private async Task<Artifact> Fill()
    {
        await Write(1, null, "setup of 1"u8.ToArray(), isSealed: true);
        await Write(1, "a", Noise, isSealed: true);
        await Write(1, "b", "half"u8.ToArray(), isSealed: false);
        await logs.Close(Job, 1, default);
        await Write(2, null, [], isSealed: true);
        await Write(2, "a", "goes on"u8.ToArray(), isSealed: false);
        await Write(2, "b", [], isSealed: false);
        var artifact = await artifacts.Store(Job, 2, 1, "out/größe.txt", new MemoryStream(Noise), default);
        Directory.CreateDirectory(Path.Combine(data.Artifacts, "incoming"));
        await File.WriteAllTextAsync(Path.Combine(data.Artifacts, "incoming", "left"), "what a killed silo left");
        return artifact;
    }

    private async Task Write(int attempt, string? task, byte[] bytes, bool isSealed)
    {
        await using var log = await logs.Create(Job, attempt, task, default);
        await log.Append(bytes, default);
        if (isSealed)
            await log.Seal(default);
    }

    private async Task Check(IBucket bucket, Artifact artifact)
    {
        (await Text(bucket, 1, null)).ShouldBe(("setup of 1", true));
        (await Text(bucket, 1, "a")).ShouldBe((Encoding.Latin1.GetString(Noise), true));
        (await Text(bucket, 1, "b")).ShouldBe(("half", true));
        (await Text(bucket, 2, null)).ShouldBe(("", true));
        (await Text(bucket, 2, "a")).ShouldBe(("goes on", false));
        (await Text(bucket, 2, "b")).ShouldBe(("", false));
        var store = stores.Over(bucket);
        (await store.Close(Job, 1, default)).ShouldBe(await logs.Close(Job, 1, default), "it was closed before");
        await Should.ThrowAsync<AttemptClosedException>(store.Create(Job, 1, "c", default));

        var kept = new ObjectArtifactStore(bucket, null, ObjectStores.Patience(), TimeProvider.System);
        await using var content = await kept.Open(Job, artifact.Key, artifact.Name, default);
        using var read = new MemoryStream();
        await content!.CopyToAsync(read);
        read.ToArray().AsSpan().SequenceEqual(Noise).ShouldBeTrue();
    }

    private async Task<(string Text, bool Sealed)> Text(IBucket bucket, int attempt, string? task)
    {
        var store = stores.Over(bucket);
        var state = (await store.Find(Job, attempt, task, default)).ShouldNotBeNull();
        var bytes = new byte[state.Length];
        for (var offset = 0; offset < bytes.Length;)
            offset += await store.Read(Job, attempt, task, offset, bytes.AsMemory(offset), default);
        return (Encoding.Latin1.GetString(bytes), state.Sealed);
    }
}
