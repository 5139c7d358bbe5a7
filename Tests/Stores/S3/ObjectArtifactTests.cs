using System.Net;
using System.Security.Cryptography;
using Builds.Artifacts;
using Builds.Jobs;
using Builds.Stores.S3;

namespace Builds.Tests.Stores.S3;

/// <summary>Artifacts as objects: in memory where calls fail one by one, and with a real S3 server.</summary>
public sealed class ObjectArtifactTests
{
    private const int Large = (2 * ObjectUpload.PartSize) + 12_345;
    private static readonly JobId Job = new(7);

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(2 * ObjectUpload.PartSize)]
    [InlineData(Large)]
    public async Task A_lost_answer_to_whichever_call_changes_nothing(int size)
    {
        var content = Bytes(size);
        var (calls, lost, ofOneRun) = (0, -1, 0);
        do
        {
            calls = 0;
            var bucket = new MemoryBucket { Fate = (_, _) => calls++ == lost ? Mishap.AnswerLost : Mishap.None };
            var store = new ObjectArtifactStore(bucket, null, ObjectStores.Patience(), TimeProvider.System);

            var artifact = await store.Store(Job, 1, 1, "out/file.bin", new MemoryStream(content), default);

            if (lost < 0)
                ofOneRun = calls;
            calls.ShouldBeGreaterThanOrEqualTo(ofOneRun);
            bucket.Fate = (_, _) => Mishap.None;
            (artifact.Size, artifact.Sha256).ShouldBe((size, Convert.ToHexStringLower(SHA256.HashData(content))));
            await using var stored = await store.Open(Job, artifact.Key, "file.bin", default);
            (await All(stored!)).AsSpan().SequenceEqual(content).ShouldBeTrue();
            bucket.Keys.ShouldBe([$"artifacts/0/0/7/{artifact.Key}/file.bin"]);
        }
        while (++lost < ofOneRun);
    }

    [Fact]
    public async Task What_is_too_large_leaves_nothing()
    {
        var bucket = new MemoryBucket();
        var store = new ObjectArtifactStore(bucket, null, ObjectStores.Patience(), TimeProvider.System, maxSize: Large - 1);

        (await Should.ThrowAsync<ArtifactTooLargeException>(store.Store(Job, 1, 1, "out/file.bin", new MemoryStream(Bytes(Large)), default)))
            .Message.ShouldBe($"artifact 'out/file.bin' has more than {Large - 1} bytes, the limit for one artifact");

        bucket.Keys.ShouldBeEmpty();
        bucket.Uploads.ShouldBe(0);
        await Should.ThrowAsync<ArgumentException>(store.Store(Job, 1, 1, "out/..", new MemoryStream(), default));
    }

    [Fact]
    public async Task An_upload_that_a_rule_of_the_bucket_removed_is_a_failure_and_is_not_waited_for()
    {
        var bucket = new MemoryBucket();
        bucket.Fate = (call, _) =>
        {
            if (call == "complete-upload")
                bucket.DropUploads();
            return Mishap.None;
        };
        var store = new ObjectArtifactStore(bucket, null, ObjectStores.Patience(), TimeProvider.System);

        var error = await Should.ThrowAsync<IOException>(store.Store(Job, 1, 1, "file.bin", new MemoryStream(Bytes(Large)), default));

        error.Message.ShouldEndWith("does a rule of the bucket remove uploads that are only hours old?");
    }

    [S3Theory]
    [InlineData(0, "empty")]
    [InlineData(100, "name with ümlaut & percent% +plus.txt")]
    [InlineData(Large, "large.bin")]
    public async Task With_a_real_server_it_is_stored_read_from_anywhere_and_deleted(int size, string name)
    {
        await using var door = await S3Door.Open();
        var content = Bytes(size);
        var store = Store(door);

        var artifact = await store.Store(Job, 1, 1, "out/" + name, new MemoryStream(content), default);
        var other = await store.Store(new JobId(70), 1, 1, name, new MemoryStream(content), default);

        artifact.Name.ShouldBe(name);
        await using (var stored = await store.Open(Job, artifact.Key, name, default))
        {
            stored!.Length.ShouldBe(size);
            (await All(stored)).AsSpan().SequenceEqual(content).ShouldBeTrue();
            stored.Seek(size / 2, SeekOrigin.Begin);
            (await All(stored)).AsSpan().SequenceEqual(content.AsSpan(size / 2)).ShouldBeTrue();
        }

        await store.Delete(Job, default);
        (await store.Open(Job, artifact.Key, name, default)).ShouldBeNull();
        (await store.Open(new JobId(70), other.Key, name, default)).ShouldNotBeNull();
        (await store.Open(new JobId(70), "../../0123456789", name, default)).ShouldBeNull();
    }

    [S3Fact]
    public async Task A_small_range_of_a_large_artifact_costs_two_requests()
    {
        await using var door = await S3Door.Open();
        var content = Bytes(Large);
        var store = Store(door);
        var artifact = await store.Store(Job, 1, 1, "large.bin", new MemoryStream(content), default);
        door.Requests.Clear();

        await using var stored = await store.Open(Job, artifact.Key, "large.bin", default);
        stored!.Seek(ObjectUpload.PartSize - 50, SeekOrigin.Begin);
        var some = new byte[100];
        await stored.ReadExactlyAsync(some);

        some.AsSpan().SequenceEqual(content.AsSpan(ObjectUpload.PartSize - 50, 100)).ShouldBeTrue();
        door.Requests.Count.ShouldBe(2);
    }

    [S3Fact]
    public async Task A_signed_address_gives_the_bytes_as_a_file_to_whoever_has_it()
    {
        await using var door = await S3Door.Open();
        var bucket = door.Bucket(S3Door.Place());
        var store = new ObjectArtifactStore(
            bucket, (key, name, cancellationToken) => bucket.Sign(key, name, TimeSpan.FromMinutes(5), cancellationToken), ObjectStores.Patience(), TimeProvider.System);
        var artifact = await store.Store(Job, 1, 1, "a file.txt", new MemoryStream("kept"u8.ToArray()), default);

        var link = await store.Link(Job, artifact.Key, "a file.txt", default);

        using var http = new HttpClient();
        using var answer = await http.GetAsync(link);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync()).ShouldBe("kept");
        answer.Content.Headers.ContentDisposition!.FileNameStar.ShouldBe("a file.txt");
        link!.Query.ShouldNotContain("Secret");
        (await Store(door).Link(Job, artifact.Key, "a file.txt", default)).ShouldBeNull("without the setting");
    }

    private static ObjectArtifactStore Store(S3Door door) => new(door.Bucket(S3Door.Place()), null, ObjectStores.Patience(), TimeProvider.System);

    private static byte[] Bytes(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private static async Task<byte[]> All(Stream stream)
    {
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }
}
