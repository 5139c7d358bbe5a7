using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Builds.Jobs;
using Builds.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Builds.Tests.Triggers;

/// <summary>One real server for all tests of a class: webhooks may go to 127.0.0.1 and to no other address of this machine, and names are what a test says.</summary>
public sealed class TriggerServer : IAsyncLifetime
{
    private BuildsServer? server;

    public BuildsServer Server => server ?? throw new InvalidOperationException("the server has not started");

    internal FakeNames Names { get; } = new();

    internal MailBox Mail { get; } = new();

    public async Task InitializeAsync() => server = await BuildsServer.Start(new BuildsServerOptions
    {
        Settings = new Dictionary<string, string?>
        {
            ["Builds:Triggers:AllowedAddresses"] = "127.0.0.1",
            ["Builds:Triggers:MaxAttempts"] = "2",
            ["Builds:Triggers:FirstRetry"] = "00:00:00.1",
            ["Builds:Triggers:Sweep"] = "00:00:00.1",
            ["Builds:Triggers:Smtp:Host"] = "127.0.0.1",
            ["Builds:Triggers:Smtp:Port"] = Mail.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Builds:Triggers:Smtp:Tls"] = "None",
            ["Builds:Triggers:Smtp:From"] = "Builds <builds@example.org>",
            ["Builds:Triggers:Smtp:MaxRecipients"] = "4",
        },
        Configure = services => services.Replace(ServiceDescriptor.Singleton<INames>(Names)),
    });

    public async Task DisposeAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        await Mail.DisposeAsync();
    }

    /// <summary>A job that has ended, with everything about its triggers settled.</summary>
    /// <param name="triggers">YAML, one each.</param>
    public async Task<JobSnapshot> Ended(string tasks, params string[] triggers)
    {
        var id = await Server.Grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs).Next();
        var manifest = $"image: host\nshell: true\ntriggers:\n{string.Concat(triggers.Select(trigger => $"- {trigger}\n"))}tasks: {tasks}\n";
        await Server.Grains.GetGrain<IJobGrain>(id.Value).Submit(Some.Submission(manifest: manifest) with { Note = "a *note*\nof two lines", Tags = ["ci", "main"] });
        return await Settled(id);
    }

    public async Task<JobSnapshot> Settled(JobId id)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var grain = Server.Grains.GetGrain<IJobGrain>(id.Value);
        for (var job = (await grain.Get())!; ; job = (await grain.WaitForChange(job.Revision, TimeSpan.FromSeconds(10), bound.Token))!)
        {
            if (job.Status.IsFinal() && job.Triggers.All(trigger => trigger.Status != TriggerStatus.Pending))
                return job;
        }
    }

    /// <summary>What became of a single webhook.</summary>
    internal async Task<TriggerDelivery> Hook(string url) => (await Ended("[{a: 'true'}]", $"{{action: webhook, condition: always, url: '{url}'}}")).Triggers.Single();
}

/// <summary>Names mean what a test says: a list of addresses for each time that they are asked for, the last one for all further times.</summary>
internal sealed class FakeNames : INames
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<string[]>> answers = [];

    public ConcurrentQueue<string> Asked { get; } = [];

    public void Add(string host, params string[][] each) => answers[host] = new(each);

    public Task<IReadOnlyList<IPAddress>> Resolve(string host, CancellationToken cancellationToken)
    {
        Asked.Enqueue(host);
        if (!answers.TryGetValue(host, out var left) || !left.TryPeek(out var next))
            throw new SocketException((int)SocketError.HostNotFound);
        if (left.Count > 1)
            left.TryDequeue(out next);
        return Task.FromResult<IReadOnlyList<IPAddress>>([.. next!.Select(IPAddress.Parse)]);
    }
}
