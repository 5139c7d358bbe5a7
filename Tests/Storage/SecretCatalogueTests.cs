using Builds.Secrets;
using Builds.Support;

namespace Builds.Tests.Storage;

/// <summary>Secrets that went through the storage provider.</summary>
public sealed class SecretCatalogueTests
{
    [Theory, OnBoth]
    public async Task The_secrets_of_an_owner_are_found_whole_oldest_first(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        await Write(storage, 2, "mia", "11111111-2222-4333-8444-555555555555");
        await Write(storage, 1, "mia", "22222222-2222-4333-8444-555555555555");
        await Write(storage, 3, "noa", "11111111-2222-4333-8444-555555555555");

        var mine = await storage.Secrets.Of("mia", default);

        mine.Select(secret => secret.Sealed).ShouldBe(["sealed 1", "sealed 2"]);
        mine[1].Info.ShouldBe(new SecretInfo(2, "mia", "11111111-2222-4333-8444-555555555555", SecretType.PlaintextFile, "a name", "~/x", 384, "kim", Some.Time));
        (await storage.Secrets.Of("nobody", default)).ShouldBeEmpty();
        (await storage.Secrets.All(default)).ShouldBe(
            [new("mia", "22222222-2222-4333-8444-555555555555"), new("mia", "11111111-2222-4333-8444-555555555555"), new("noa", "11111111-2222-4333-8444-555555555555")]);
        (await storage.Catalogue.List("mia", null, 10, default)).Total.ShouldBe(0, "no job");
    }

    private static Task Write(StorageHarness storage, int id, string owner, string uuid) => storage.Write(
        "secret", StorageHarness.Named(new SecretKey(owner, uuid).GrainKey), new GrainState<SecretState>(new SecretState
        {
            Id = id,
            Owner = owner,
            Type = SecretType.PlaintextFile,
            Name = "a name",
            Path = "~/x",
            Mode = 0b110_000_000,
            FromUser = "kim",
            Created = Some.Time,
            Sealed = $"sealed {id}",
        }));
}
