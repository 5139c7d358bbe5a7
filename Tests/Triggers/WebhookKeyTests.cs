using Builds.Triggers;
using NSec.Cryptography;

namespace Builds.Tests.Triggers;

/// <summary>The key that webhooks are signed with, as the database has it.</summary>
public sealed class WebhookKeyTests : IAsyncLifetime
{
    private BuildsTestCluster cluster = null!;

    private IWebhookKeyGrain Grain => cluster.Grains.GetGrain<IWebhookKeyGrain>(IWebhookKeyGrain.Key);

    public async Task InitializeAsync() => cluster = await BuildsTestCluster.Start();

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    [Fact]
    public async Task It_is_kept_sealed_and_stays_the_same()
    {
        var key = await Grain.PublicKey();
        var signature = await Grain.Sign("body", "first");
        await cluster.Deactivate(Grain);

        (await Grain.PublicKey()).ShouldBe(key);
        (await Grain.Sign("body", "first")).ShouldBe(signature);
        cluster.Storage.Only<WebhookKeyState>().ShouldSatisfyAllConditions(
            state => state.Seed.ShouldBeEmpty(), state => state.Sealed.ShouldStartWith("1:"), state => state.Created.ShouldBe(Some.Time));
    }

    [Fact]
    public async Task One_that_was_kept_plain_is_sealed_and_stays_the_same()
    {
        using var old = Key.Create(SignatureAlgorithm.Ed25519, new() { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
        var created = Some.Time.AddDays(-1);
        cluster.Storage.Put("webhookkey", Grain.GetGrainId(), new WebhookKeyState { Seed = Convert.ToBase64String(old.Export(KeyBlobFormat.RawPrivateKey)), Created = created });

        (await Grain.PublicKey()).ShouldBe(Convert.ToBase64String(old.PublicKey.Export(KeyBlobFormat.RawPublicKey)));

        cluster.Storage.Only<WebhookKeyState>().ShouldSatisfyAllConditions(
            state => state.Seed.ShouldBeEmpty(), state => state.Sealed.ShouldNotBeEmpty(), state => state.Created.ShouldBe(created));
    }

    [Fact]
    public async Task A_new_key_of_secrets_seals_it_too()
    {
        var key = await Grain.PublicKey();

        await cluster.Vault.NewKey();
        await Grain.Reseal();
        await cluster.Deactivate(Grain);

        cluster.Storage.Only<WebhookKeyState>().Sealed.ShouldStartWith("2:");
        (await Grain.PublicKey()).ShouldBe(key);
    }

    [Fact]
    public async Task One_that_may_not_have_been_stored_signs_nothing()
    {
        cluster.Storage.LoseNextAnswer();
        await Should.ThrowAsync<Exception>(Grain.PublicKey());

        var key = await Grain.PublicKey();
        await cluster.Deactivate(Grain);
        (await Grain.PublicKey()).ShouldBe(key);
    }
}
