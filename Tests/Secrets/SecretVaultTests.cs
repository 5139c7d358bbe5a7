using System.Xml.Linq;
using Builds.Secrets;
using Builds.Support;
using Builds.Tests.Storage;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Builds.Tests.Secrets;

/// <summary>Sealing, with the real library and real keys.</summary>
public sealed class SecretVaultTests
{
    private static readonly SecretKey Key = new("mia", "0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f");

    [Fact]
    public async Task A_value_opens_for_its_owner_and_UUID_and_for_nobody_else()
    {
        var vault = new SecretVault(new MemoryKeys());

        var text = await vault.Seal(Key, "hunter2 é");

        text.ShouldNotContain("hunter2");
        (await vault.Open(Key, text)).ShouldBe("hunter2 é");
        await Should.ThrowAsync<SecretSealedException>(vault.Open(Key with { Owner = "noa" }, text));
        await Should.ThrowAsync<SecretSealedException>(vault.Open(Key with { Uuid = Guid.NewGuid().ToString() }, text));
        await Should.ThrowAsync<SecretSealedException>(vault.Open(Key, "nonsense"));
    }

    [Fact]
    public async Task What_one_silo_sealed_with_a_key_of_a_moment_ago_another_one_opens()
    {
        var keys = new MemoryKeys();
        var (one, other) = (new SecretVault(keys), new SecretVault(keys));
        var first = await one.Seal(Key, "first");
        (await other.Open(Key, first)).ShouldBe("first");
        keys.Count.ShouldBe(1);

        await one.NewKey();
        var second = await other.Seal(Key, "second");

        keys.Count.ShouldBe(2);
        (await one.Open(Key, second)).ShouldBe("second");
        (await one.Open(Key, first)).ShouldBe("first");
        // The key's id stands in the sealed text, behind four bytes that are always the same.
        second[6..26].ShouldNotBe(first[6..26]);
    }

    [Fact]
    public async Task Without_its_key_nothing_opens_and_keys_that_cannot_be_read_now_are_another_thing()
    {
        var keys = new MemoryKeys();
        var text = await new SecretVault(keys).Seal(Key, "hunter2");

        (await Should.ThrowAsync<SecretSealedException>(new SecretVault(new MemoryKeys()).Open(Key, text))).Message.ShouldBe(
            $"secret {Key.Uuid} of mia cannot be opened: it was sealed for another one, or the key that sealed it is not among the keys of this service");
        keys.Failure = new IOException("the store of keys is away");
        await Should.ThrowAsync<IOException>(new SecretVault(keys).Open(Key, text));
        await Should.ThrowAsync<IOException>(new SecretVault(keys).Seal(Key, "x"));
    }

    [Fact]
    public async Task Keys_are_files_that_only_their_owner_reads()
    {
        using var folder = new TempFolder();
        var directory = Path.Combine(folder.Path, "keys");
        var text = await new SecretVault(new FileKeys(directory)).Seal(Key, "hunter2");

        (await new SecretVault(new FileKeys(directory)).Open(Key, text)).ShouldBe("hunter2");
        File.GetUnixFileMode(directory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.GetUnixFileMode(Directory.GetFiles(directory).ShouldHaveSingleItem()).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [PostgresFact]
    public async Task Keys_of_a_cluster_are_in_its_database_and_those_of_a_silo_that_was_alone_can_be_taken_along()
    {
        using var folder = new TempFolder();
        var directory = Path.Combine(folder.Path, "keys");
        var before = await new SecretVault(new FileKeys(directory)).Seal(Key, "from before");
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres);
        var (one, other) = (new SecretVault(new PostgresKeys(storage.Postgres)), new SecretVault(new PostgresKeys(storage.Postgres)));

        await PostgresKeys.Import(directory, storage.Postgres, default);
        await PostgresKeys.Import(directory, storage.Postgres, default);
        await other.NewKey();
        var text = await one.Seal(Key, "hunter2");

        (await other.Open(Key, text)).ShouldBe("hunter2");
        (await other.Open(Key, before)).ShouldBe("from before");
        new PostgresKeys(storage.Postgres).GetAllElements().Count.ShouldBe(2);
    }

    private sealed class MemoryKeys : IXmlRepository
    {
        private readonly List<XElement> keys = [];

        public Exception? Failure { get; set; }

        public int Count => keys.Count;

        public IReadOnlyCollection<XElement> GetAllElements() => Failure is null ? [.. keys.Select(key => new XElement(key))] : throw Failure;

        public void StoreElement(XElement element, string friendlyName) => keys.Add(element);
    }
}
