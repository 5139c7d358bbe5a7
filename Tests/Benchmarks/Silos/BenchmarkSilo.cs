using System.Net.Http.Headers;
using Builds.Cluster;
using Builds.Execution;
using Builds.Jobs;
using Builds.Users;
using Builds.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Builds.Benchmarks.Silos;

/// <summary>
/// The real host in this process: the composition of <c>builds serve</c> with its settings and its log, on a free port and an empty data
/// directory.
/// </summary>
internal sealed class BenchmarkSilo : IAsyncDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);
    private readonly WebApplication app;
    private readonly DataLock held;

    private BenchmarkSilo(WebApplication app, DataDirectory data, DataLock held, HttpClient client) =>
        (this.app, Data, this.held, Client) = (app, data, held, client);

    public DataDirectory Data { get; }

    /// <summary>As <c>~admin</c>.</summary>
    public HttpClient Client { get; }

    public T Service<T>() where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>A silo that runs real builds.</summary>
    /// <param name="slots">How many jobs run at a time.</param>
    public static Task<BenchmarkSilo> Start(string parent, int slots, ExecutionDriver driver) => Start(parent, slots, driver, executor: null);

    /// <summary>A silo whose builds are no processes.</summary>
    public static Task<BenchmarkSilo> Start(string parent, int slots, IBuildExecutor executor) => Start(parent, slots, ExecutionDriver.Auto, executor);

    private static async Task<BenchmarkSilo> Start(string parent, int slots, ExecutionDriver driver, IBuildExecutor? executor)
    {
        var data = DataDirectory.Create(Path.Combine(parent, $"silo-{Guid.NewGuid():N}"));
        var dataLock = data.Lock();
        var host = await BuildsHost.WithHttp(new BuildsHostOptions
        {
            Data = data,
            Urls = "http://127.0.0.1:0",
            Settings = new Dictionary<string, string?>
            {
                [$"{WorkerOptions.Section}:{nameof(WorkerOptions.Slots)}"] = slots.ToString(),
                [$"{ExecutionOptions.Section}:{nameof(ExecutionOptions.Driver)}"] = driver.ToString(),
            },
            Configure = services =>
            {
                if (executor is not null)
                    services.Replace(ServiceDescriptor.Singleton(executor));
            },
        });
        await host.StartAsync();
        var admin = await FirstStart.EnsureAdmin(data, host.Services.GetRequiredService<IGrainFactory>());
        var client = new HttpClient { BaseAddress = new Uri(host.Services.GetRequiredService<PublicOrigin>().Listening) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", admin.Token);
        return new BenchmarkSilo(host, data, dataLock, client);
    }

    /// <summary>Submits a manifest over HTTP; answers when the silo does, that is when the job is on disk.</summary>
    public async Task<JobId> Submit(string manifest)
    {
        using var content = new FormUrlEncodedContent([new("manifest", manifest)]);
        using var answer = await Client.PostAsync("/api/jobs", content);
        using var job = await Answers.Json(answer);
        return new JobId(job.RootElement.GetProperty("id").GetInt32());
    }

    /// <summary>Completes when the job is stored as a success.</summary>
    public async Task Ended(JobId id)
    {
        var grain = Service<IGrainFactory>().GetGrain<IJobGrain>(id.Value);
        var job = await grain.WaitForChange(0, TimeSpan.Zero);
        while (job is not null && !job.Status.IsFinal())
        {
            var known = job.Revision;
            job = await grain.WaitForChange(known, Long);
            if (job?.Revision == known)
                throw new TimeoutException($"Job {id} is {job.Status} and nothing happens to it.");
        }

        if (job?.Status != JobStatus.Success)
            throw new InvalidOperationException($"Job {id} was to succeed: {job?.Status} {job?.Reason} {job?.Detail}");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Service<WorkerHost>().HandBackNow();
        await app.StopAsync();
        await app.DisposeAsync();
        held.Dispose();
        Directory.Delete(Data.Path, recursive: true);
    }
}
