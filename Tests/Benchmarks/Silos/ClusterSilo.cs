using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Builds.Benchmarks.Measuring;
using Builds.Cluster;
using Builds.Jobs;

namespace Builds.Benchmarks.Silos;

/// <summary>A silo of a cluster, in a process of its own (<see cref="SiloProgram"/>).</summary>
internal sealed class ClusterSilo : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private readonly SemaphoreSlim input = new(1, 1);

    private ClusterSilo(Process process, HttpClient client) => (this.process, Client) = (process, client);

    /// <summary>As <c>~admin</c>.</summary>
    public HttpClient Client { get; }

    /// <summary>Ends when it takes requests.</summary>
    /// <param name="data">The same one as before for a silo that starts again; in it is the admin's token if it was the first of its cluster.</param>
    /// <param name="tokenOf">The data directory of the first silo.</param>
    /// <param name="gated">Each build waits for <see cref="Open"/>.</param>
    public static async Task<ClusterSilo> Start(string connectionString, string store, string data, string tokenOf, int port, int slots, bool gated)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [typeof(ClusterSilo).Assembly.Location, SiloProgram.Verb, data, data + ".log", .. gated ? [SiloProgram.Gated] : Array.Empty<string>()])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        // An executable of its own, where it was not started through dotnet.
        if (!Path.GetFileNameWithoutExtension(start.FileName).Equals("dotnet", StringComparison.Ordinal))
            start.ArgumentList.RemoveAt(0);
        foreach (var (name, value) in new[]
        {
            ("Cluster__ConnectionString", connectionString), ("Cluster__Store", store), ("Cluster__Name", Path.GetFileName(data)),
            ("Cluster__SiloPort", Text(port)), ("Cluster__Advertise", "127.0.0.1"), ("Worker__Slots", Text(slots)), ("Execution__Driver", "Process"),
        })
            start.Environment["Builds__" + name] = value;
        var silo = Process.Start(start)!;
        using var bound = new CancellationTokenSource(Bound);
        string? line;
        do
            line = await silo.StandardOutput.ReadLineAsync(bound.Token);
        while (line?.StartsWith(SiloProgram.Ready, StringComparison.Ordinal) == false);
        if (line is null)
            throw new InvalidOperationException($"A silo ended before it was ready: {await File.ReadAllTextAsync(data + ".log")}");
        var client = new HttpClient { BaseAddress = new Uri(line[SiloProgram.Ready.Length..]), Timeout = Bound };
        var token = await File.ReadAllTextAsync(DataDirectory.Existing(tokenOf).AdminToken, bound.Token);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
        ProcessorTime.Silos.Add(silo.Id);
        return new ClusterSilo(silo, client);
    }

    /// <summary>Answers when the silo does, that is when the job is in the database.</summary>
    /// <param name="label">That its worker must carry.</param>
    public async Task<JobId> Submit(string manifest, string? label)
    {
        using var content = new FormUrlEncodedContent([new("manifest", manifest), .. label is null ? (KeyValuePair<string, string>[])[] : [new("labels", label)]]);
        using var answer = await Client.PostAsync("/api/jobs", content);
        using var job = await Answers.Json(answer);
        return new JobId(job.RootElement.GetProperty("id").GetInt32());
    }

    /// <summary>Completes when the job is stored as a success, as its client sees it.</summary>
    public async Task Ended(JobId id)
    {
        var begin = Stopwatch.GetTimestamp();
        string? status;
        do
        {
            using var answer = await Client.GetAsync($"/api/jobs/{id}?wait=60");
            using var job = await Answers.Json(answer);
            status = job.RootElement.GetProperty("status").GetString();
        }
        while (status is "queued" or "running" && Stopwatch.GetElapsedTime(begin) < Bound);
        if (status != "success")
            throw new InvalidOperationException($"Job {id} was to succeed, and is {status}.");
    }

    /// <summary>How many jobs wait, as its queue sees it.</summary>
    public async Task<int> Queued()
    {
        using var answer = await Client.GetAsync("/api/queue");
        using var queue = await Answers.Json(answer);
        return queue.RootElement.GetProperty("results").EnumerateArray().Sum(pool => pool.GetProperty("queued").GetInt32());
    }

    /// <summary>Bytes in use on its heap, after a full collection.</summary>
    public async Task<long> Heap()
    {
        await Tell(SiloProgram.Heap);
        using var bound = new CancellationTokenSource(Bound);
        return long.Parse((await process.StandardOutput.ReadLineAsync(bound.Token))!, CultureInfo.InvariantCulture);
    }

    /// <summary>Lets a build through, now or as soon as it begins.</summary>
    public Task Open(JobId job) => Tell($"{SiloProgram.Open}{job}");

    /// <summary>SIGKILL.</summary>
    public async ValueTask DisposeAsync()
    {
        input.Dispose();
        ProcessorTime.Silos.Remove(process.Id);
        Client.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task Tell(string line)
    {
        await input.WaitAsync();
        try
        {
            await process.StandardInput.WriteLineAsync(line);
            await process.StandardInput.FlushAsync();
        }
        finally
        {
            input.Release();
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
