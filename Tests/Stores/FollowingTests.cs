using Builds.Jobs;
using Builds.Logs;
using Builds.Storage;
using Builds.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;

namespace Builds.Tests.Stores;

/// <summary>
/// A reader on one silo follows a log that another writes, in a directory that both share. The clock of the stores stands still unless the test moves it, so what
/// wakes a reader is a word of the writer's silo and not a look at the store.
/// </summary>
public sealed class FollowingTests : IAsyncLifetime, IDisposable
{
    private const string Writer = "Silo_0";
    private static readonly JobId Job = new(1);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly TempFolder folder = new();
    private readonly TestClock clock = new(Some.Time);
    private readonly FakeStorage storage = new();
    private InProcessTestCluster? cluster;

    public async Task InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(2);
        builder.ConfigureSilo((options, silo) =>
        {
            var services = silo.Services;
            services.AddSingleton<TimeProvider>(clock);
            services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            services.AddBuildsGrains(silo.Configuration);
            services.AddKeyedSingleton<IGrainStorage>(StorageNames.Provider, storage);
            services.AddSingleton<ICatalogue>(storage);
            services.AddBuildsStores(new StoreLocation.Folder(folder.Path), options.SiloName);
        });
        cluster = builder.Build();
        await cluster.DeployAsync();
        var job = cluster.Client.GetGrain<IJobGrain>(Job.Value);
        await job.Submit(Some.Submission());
        (await job.Claim(new JobClaim(Writer, 1, "dispatch"))).ShouldBeOfType<ClaimResult.Granted>();
    }

    public async Task DisposeAsync()
    {
        if (cluster is not null)
            await cluster.DisposeAsync();
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_writers_silo_tells_of_the_beginning_of_more_and_of_the_end()
    {
        var (writer, reader) = (Store(Writer), Store("Silo_1"));
        await Known(reader);

        var begun = reader.WaitForMore(Job, 1, "a", -1, default);
        await using var log = await writer.Create(Job, 1, "a", default);
        (await begun.WaitAsync(Bound)).ShouldBe(new LogState(0, Sealed: false));

        var more = reader.WaitForMore(Job, 1, "a", 0, default);
        await log.Append("more"u8.ToArray(), default);
        (await more.WaitAsync(Bound)).ShouldBe(new LogState(4, Sealed: false));

        var end = reader.WaitForMore(Job, 1, "a", 4, default);
        end.IsCompleted.ShouldBeFalse();
        await log.Seal(default);
        (await end.WaitAsync(Bound)).ShouldBe(new LogState(4, Sealed: true));
    }

    [Fact]
    public async Task A_reader_that_leaves_is_let_go()
    {
        await Known(Store("Silo_1"));
        using var leave = new CancellationTokenSource();
        var wait = Store("Silo_1").WaitForMore(Job, 1, "a", 0, leave.Token);

        await leave.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(wait.WaitAsync(Bound));
    }

    [Fact]
    public async Task A_silo_that_stops_does_not_wait_for_readers_elsewhere()
    {
        await Known(Store("Silo_1"));
        var wait = Store("Silo_1").WaitForMore(Job, 1, "a", 0, default);

        // Stands still: only being let go ends the wait there.
        await cluster!.StopSiloAsync(cluster.Silos[0]).WaitAsync(Bound);

        wait.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task When_the_writers_silo_is_gone_the_reader_sees_what_it_left_and_the_end()
    {
        var (writer, reader) = (Store(Writer), Store("Silo_1"));
        await Known(reader);
        await using var log = await writer.Create(Job, 1, "a", default);
        var more = reader.WaitForMore(Job, 1, "a", 0, default);
        await cluster!.KillSiloAsync(cluster.Silos[0]);
        // As a silo does that is cut off, and writes on.
        await log.Append("left"u8.ToArray(), default);

        (await Passing(more)).ShouldBe(new LogState(4, Sealed: false));

        var end = reader.WaitForMore(Job, 1, "a", 4, default);
        (await reader.Close(Job, 1, default)).ShouldContain(new LogLength("a", 4));
        (await Passing(end)).ShouldBe(new LogState(4, Sealed: true));
        await Should.ThrowAsync<AttemptClosedException>(async () => await log.Append("more"u8.ToArray(), default));
    }

    /// <summary>The worker is known from then on: while the clock stands still, its record is not waited for.</summary>
    private async Task Known(ILogStore reader)
    {
        await using var log = await Store(Writer).Create(Job, 1, "known", default);
        await reader.WaitForMore(Job, 1, "known", -1, default).WaitAsync(Bound);
    }

    private async Task<LogState> Passing(Task<LogState> wait)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (!wait.IsCompleted)
        {
            bound.Token.ThrowIfCancellationRequested();
            clock.Advance(FollowingLogStore.Look);
            await Task.WhenAny(wait, Task.Delay(TimeSpan.FromMilliseconds(10), bound.Token));
        }

        return await wait;
    }

    private ILogStore Store(string silo) => Service<ILogStore>(silo);

    private T Service<T>(string silo) where T : notnull =>
        cluster!.Silos.Single(handle => handle.ServiceProvider.GetRequiredService<IOptions<SiloOptions>>().Value.SiloName == silo).ServiceProvider.GetRequiredService<T>();
}
