using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Builds.Cluster;
using Builds.Execution;
using Builds.Support;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Stores.S3;

/// <summary>Two real silos whose logs and artifacts are in a real S3 server.</summary>
public sealed class S3ClusterTests(ITestOutputHelper output) : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    private readonly TempFolder folder = new();
    private readonly List<SiloProcess> silos = [];
    private readonly HttpClient http = new(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = Bound };
    private PostgresTestDatabase? database;
    private S3Door? door;

    public async Task InitializeAsync()
    {
        if (S3Server.SkipReason is not null || !Databases.HasPostgres)
            return;
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        (database, door) = (await PostgresTestDatabase.Create(), await S3Door.Open());
    }

    public async Task DisposeAsync()
    {
        foreach (var silo in silos)
        {
            await silo.DisposeAsync();
            output.WriteLine(silo.Said);
        }

        if (database is not null)
            await database.DisposeAsync();
        if (door is not null)
            await door.DisposeAsync();
    }

    public void Dispose()
    {
        http.Dispose();
        folder.Dispose();
    }

    [S3ClusterFact]
    public async Task A_job_runs_its_silo_is_killed_and_the_other_one_has_every_byte_of_both_attempts()
    {
        var place = S3Door.Place().ToString();
        var (a, b) = (Start("a", place, ("Store:PresignedDownloads", "true")), Start("b", place, ("Worker:Slots", "0")));
        var (first, second) = (await Ready(a), await Ready(b));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(DataDirectory.Existing(Data("a")).AdminToken)).Trim());
        var job = await Submit(second, """
            image: host
            artifacts:
            - kept.txt
            tasks:
            - a: |
                { set +x; } 2>/dev/null
                echo "attempt $JOB_ATTEMPT"
                while [ "$JOB_ATTEMPT" = 1 ]; do sleep 0.1; done
                echo "kept by attempt $JOB_ATTEMPT" >kept.txt

            """);
        // Through the silo that does not write it, while it is written.
        await Until(() => Text(second, $"/logs/{job}/a/log"), log => log == "attempt 1\n");

        a.Kill();
        await a.Ended;
        await Ready(Start("a", place, ("Store:PresignedDownloads", "true")));
        var ended = await Ended(second, job);

        ended.ShouldContain("\"status\":\"success\"");
        (await Text(second, $"/logs/{job}/a/log")).ShouldMatch("^attempt 1\n\\[#\\d+\\] Attempt 1 ends here: .*\\. Attempt 2 follows\\.\nattempt 2\n$");
        using var list = JsonDocument.Parse(await http.GetStringAsync(new Uri(second, $"/api/jobs/{job}/artifacts")));
        var path = new Uri(list.RootElement.GetProperty("results")[0].GetProperty("url").GetString()!).AbsolutePath;
        (await Text(second, path)).ShouldBe("kept by attempt 2\n");
        // The other one sends its callers to the service.
        using var redirect = await http.GetAsync(new Uri(silos[^1].Address!, path));
        redirect.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        using var anonymous = new HttpClient();
        (await anonymous.GetStringAsync(redirect.Headers.Location)).ShouldBe("kept by attempt 2\n");
    }

    [S3ClusterFact]
    public async Task A_silo_with_another_store_or_without_credentials_does_not_start_and_says_why()
    {
        var place = S3Door.Place().ToString();
        await Ready(Start("a", place));

        var other = Start("b", S3Door.Place().ToString());
        await other.Ended.WaitAsync(Bound);
        other.Said.ShouldContain("Give this silo the same store as all others: --store.");

        var missing = Start("b", "s3://no-such-bucket/x");
        await missing.Ended.WaitAsync(Bound);
        missing.Said.ShouldContain($"the store s3://no-such-bucket/x cannot be used: there is no bucket 'no-such-bucket' at {door!.Options.Endpoint}. Create it, or correct --store or Builds:Store:Endpoint");

        var nobody = Start("b", place, credentials: false);
        await nobody.Ended.WaitAsync(Bound);
        nobody.Said.ShouldContain($"the store {place} cannot be used: there are no credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
    }

    private string Data(string name) => Path.Combine(folder.Path, name);

    private SiloProcess Start(string name, string store, params (string Name, string Value)[] settings) => Start(name, store, credentials: true, settings);

    private SiloProcess Start(string name, string store, bool credentials, params (string Name, string Value)[] settings)
    {
        var port = ports.TryGetValue(name, out var known) ? known : ports[name] = Ports.Free();
        var silo = SiloProcess.Start(
            [typeof(BuildsHost).Assembly.Location, "serve", "--urls", "http://127.0.0.1:0", "--data", Data(name), "--name", name, "--silo-port", $"{port}", "--advertise", "127.0.0.1", "--store", store],
            [
                ("Cluster:ConnectionString", database!.ConnectionString), ("Store:Endpoint", door!.Options.Endpoint!), ("Store:ForcePathStyle", "true"), ("Api:Origin", "http://builds.example"),
                ("Execution:Driver", Needs.Bubblewrap ? "Bubblewrap" : "Process"), .. settings,
            ],
            killPoint: null,
            ("AWS_ACCESS_KEY_ID", credentials ? S3Server.AccessKey : ""), ("AWS_SECRET_ACCESS_KEY", credentials ? S3Server.SecretKey : ""), ("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", folder.Path));
        silos.Add(silo);
        return silo;
    }

    private readonly Dictionary<string, int> ports = [];

    private static async Task<Uri> Ready(SiloProcess silo) => await silo.Ready.WaitAsync(Bound) ?? throw new HarnessException($"a silo was to be ready, and said: {silo.Said}");

    private async Task<int> Submit(Uri silo, string manifest)
    {
        using var answer = await http.PostAsJsonAsync(new Uri(silo, "/api/jobs"), new { manifest });
        var body = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, body);
        using var job = JsonDocument.Parse(body);
        return job.RootElement.GetProperty("id").GetInt32();
    }

    private Task<string> Ended(Uri silo, int job) =>
        Until(() => Text(silo, $"/api/jobs/{job}?wait=5"), text => text.Contains("\"status\":\"success\",\"reason\"") || text.Contains("\"status\":\"failed\",\"reason\""));

    private async Task<string> Text(Uri silo, string path)
    {
        using var answer = await http.GetAsync(new Uri(silo, path));
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>Looks until what is seen is as it should be.</summary>
    private static async Task<string> Until(Func<Task<string>> look, Func<string, bool> holds)
    {
        using var bound = new CancellationTokenSource(Bound);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var seen = await look();
        for (; !holds(seen); seen = await look())
        {
            if (bound.IsCancellationRequested)
                throw new TimeoutException($"within {Bound} it came to no more than: {seen}");
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }

        return seen;
    }
}

/// <summary>A test of silos on PostgreSQL and S3: skipped where one is missing, but never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class S3ClusterFactAttribute : FactAttribute
{
    public S3ClusterFactAttribute() => Skip = S3Server.SkipReason ?? Databases.SkipReason;
}
