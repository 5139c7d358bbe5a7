using System.Security.Cryptography;
using Builds.Artifacts;
using Builds.Jobs;
using Builds.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests.Artifacts;

public sealed class FileArtifactStoreTests : IDisposable
{
    private const long Limit = 300_000;
    private static readonly JobId Job = new(42);

    private readonly TempFolder folder = new();
    private readonly FileArtifactStore store;

    public FileArtifactStoreTests() => store = new FileArtifactStore(folder.Path, new FakeTimeProvider(Some.Time), Limit);

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((int)Limit)]
    public async Task A_file_is_kept_whole_with_its_size_and_hash(int size)
    {
        var bytes = Bytes(size);

        var artifact = await Store("out/a.bin", bytes);

        (artifact.Number, artifact.Path, artifact.Name, artifact.Size, artifact.Sha256, artifact.Created)
            .ShouldBe((3, "out/a.bin", "a.bin", size, Convert.ToHexStringLower(SHA256.HashData(bytes)), Some.Time));
        artifact.Key.ShouldMatch("^[0-9a-f]{16}$");
        (await Content(new FileArtifactStore(folder.Path, TimeProvider.System), artifact.Key, "a.bin")).ShouldBe(bytes);
    }

    [Fact]
    public async Task All_of_a_job_is_deleted_and_nothing_of_another_and_a_repeat_does_nothing()
    {
        var (first, second) = (await Store("out/a.bin", Bytes(1)), await Store("out/b.bin", Bytes(2)));
        var neighbour = await store.Store(new JobId(43), 1, 1, "a.bin", new MemoryStream(Bytes(3)), default);

        await store.Delete(Job, default);
        await store.Delete(Job, default);

        (await store.Open(Job, first.Key, first.Name, default)).ShouldBeNull();
        (await store.Open(Job, second.Key, second.Name, default)).ShouldBeNull();
        Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).ShouldHaveSingleItem().ShouldEndWith($"/43/{neighbour.Key}/a.bin");
    }

    [Fact]
    public async Task A_file_that_is_too_large_is_refused_and_leaves_nothing()
    {
        var refusal = await Should.ThrowAsync<ArtifactTooLargeException>(() => Store("out/a.bin", Bytes((int)Limit + 1)));

        refusal.Message.ShouldBe("artifact 'out/a.bin' has more than 300000 bytes, the limit for one artifact");
        Files().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_source_that_breaks_leaves_nothing()
    {
        await using var broken = new BrokenStream();

        await Should.ThrowAsync<IOException>(store.Store(Job, 1, 1, "a", broken, default));

        Files().ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_killed_process_left_half_is_removed_and_nothing_else()
    {
        var whole = await Store("a", Bytes(10));
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "incoming", "42.1.2.half"), Bytes(5));

        store.RemoveUnfinished();

        Files().Single().ShouldEndWith($"/42/{whole.Key}/a");
        (await Content(store, (await Store("b", Bytes(20))).Key, "b")).ShouldBe(Bytes(20));
    }

    [Fact]
    public async Task Storing_again_gives_another_address_and_leaves_the_first()
    {
        var first = await Store("a", Bytes(10));
        var second = await Store("a", Bytes(20));

        second.Key.ShouldNotBe(first.Key);
        (await Content(store, first.Key, "a")).ShouldBe(Bytes(10));
        (await Content(store, second.Key, "a")).ShouldBe(Bytes(20));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("out/..")]
    [InlineData("out/")]
    [InlineData("a\0b")]
    public async Task A_path_without_a_file_name_is_refused(string path)
    {
        await Should.ThrowAsync<ArgumentException>(() => Store(path, Bytes(1)));

        Files().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("0000000000000000", "a")]
    [InlineData("..", "a")]
    [InlineData(null, "b")]
    [InlineData(null, "../a")]
    public async Task An_unknown_address_has_no_content(string? key, string name)
    {
        var artifact = await Store("a", Bytes(1));

        (await store.Open(Job, key ?? artifact.Key, name, default)).ShouldBeNull();
        (await store.Open(new JobId(43), artifact.Key, "a", default)).ShouldBeNull();
    }

    private IEnumerable<string> Files() => Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories);

    private async Task<Artifact> Store(string path, byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        return await store.Store(Job, 1, 3, path, content, default);
    }

    private static async Task<byte[]> Content(FileArtifactStore store, string key, string name)
    {
        await using var stream = (await store.Open(Job, key, name, default)).ShouldNotBeNull();
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }

    private static byte[] Bytes(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            throw new IOException("gone");
        }
    }
}
