using System.Net;
using Builds.Cluster;
using Builds.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace Builds.Tests.Tls;

/// <summary>Silos that talk over real sockets, with and without certificates.</summary>
public sealed class SiloTlsTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    private readonly TempFolder folder = new();
    private readonly SharedMembership membership = new();
    private readonly TestAuthority authority = new("Silos");
    private readonly List<IHost> silos = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var silo in silos)
        {
            using var now = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await silo.StopAsync(now.Token);
            silo.Dispose();
        }
    }

    public void Dispose()
    {
        authority.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Silos_with_certificates_of_one_authority_join_and_call_each_other_and_nobody_else_gets_in()
    {
        var a = await Start("a", authority.Equip(At("a"), "a"));
        var b = await Start("b", authority.Equip(At("b"), "b"));
        (await CallAll(a)).ShouldBe(2);
        (await CallAll(b)).ShouldBe(2);

        using var foreign = new TestAuthority("Others");
        await Should.ThrowAsync<Exception>(Start("without", new SiloTlsOptions(), Short));
        await Should.ThrowAsync<Exception>(Start("foreign", foreign.Equip(At("foreign"), "foreign", foreign, authority), Short));

        membership.Names(SiloStatus.Active).ShouldBe(["a", "b"]);
        (await CallAll(a)).ShouldBe(2);
        (await CallAll(b)).ShouldBe(2);
    }

    [Fact]
    public async Task Certificates_are_replaced_while_silos_run()
    {
        using var next = new TestAuthority("Next");
        var a = await Start("a", authority.Equip(At("a"), "a"));
        var b = await Start("b", authority.Equip(At("b"), "b"));

        next.Equip(At("a"), "a", authority, next);
        next.Equip(At("b"), "b", authority, next);
        // Knows the new authority only, so whoever it talks to, in either direction, shows the new certificate.
        var c = await Start("c", next.Equip(At("c"), "c"));

        (await CallAll(c)).ShouldBe(3);
        (await CallAll(a)).ShouldBe(3);
        (await CallAll(b)).ShouldBe(3);
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    /// <summary>How many silos answer a call from this one.</summary>
    private static async Task<int> CallAll(IHost silo) =>
        (await silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).GetRuntimeStatistics(null!).WaitAsync(Bound)).Length;

    private async Task<IHost> Start(string name, SiloTlsOptions tls, TimeSpan? patience = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.Services.AddSingleton<IMembershipTable>(membership);
            silo.Configure<Orleans.Configuration.ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("tls", "tls"));
            silo.Configure<SiloOptions>(options => options.SiloName = name);
            silo.ConfigureEndpoints(IPAddress.Loopback, Ports.Free(), gatewayPort: 0);
            silo.Configure<ClusterMembershipOptions>(membership =>
            {
                // Who cannot talk to the others gives up after this. Who can is not to be given up by them because the machine is busy.
                membership.MaxJoinAttemptTime = patience ?? Bound;
                membership.EvictWhenMaxJoinAttemptTimeExceeded = false;
            });
            silo.UseSiloTls(tls);
        });
        var host = builder.Build();
        try
        {
            await host.StartAsync().WaitAsync(Bound);
        }
        catch
        {
            host.Dispose();
            throw;
        }

        silos.Add(host);
        return host;
    }
}
