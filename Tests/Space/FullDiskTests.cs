using System.Net.Http.Headers;
using Builds.Execution;
using Builds.Tests.Silos;

namespace Builds.Tests.Space;

/// <summary>A real silo on a real disk that is full to the last byte, again and again.</summary>
public sealed class FullDiskTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly SmallDisk disk = new();

    public void Dispose() => disk.Dispose();

    [RootFact]
    public async Task It_starts_makes_room_loses_nothing_and_goes_on_by_itself()
    {
        int old;
        await using (var silo = disk.Start(TimeSpan.Zero, filled: false))
        {
            using var client = await Client(silo);
            old = (await client.PostJson("/api/jobs", new { manifest = Manifest("set +x; head -c 12000000 /dev/urandom | base64; head -c 6000000 /dev/urandom >f", "artifacts: [f]\n") })).Id;
            (await Ended(silo, client, old)).ShouldBe("success", silo.Said);
        }

        // Killed. Full: what was kept lets it start; two hours later what is oldest may go.
        await using (var silo = disk.Start(TimeSpan.FromHours(2), filled: true))
        {
            using var client = await Client(silo);
            await Until(silo, () => Task.FromResult(silo.SaidInFull.Contains("were removed before their time", StringComparison.Ordinal)), "what is oldest is gone");
            (await client.Get($"/logs/{old}/a/log")).Body.ShouldContain("or room was needed");
            (await client.Get($"/api/jobs/{old}"))["status"].GetString().ShouldBe("success", "its record stays");

            var acknowledged = (await client.PostJson("/api/jobs", new { manifest = Manifest("echo hello"), execute = false })).Id;

            // Builds fill the disk: one by what it writes into its home, which its own disk takes and loses, and one by its log.
            await FailsSince(silo, client, "set +x; head -c 70000000 /dev/urandom >f; sync", "its disk was full, and what the build wrote is lost.");
            await Until(silo, () => Task.FromResult(File.Exists(disk.PathOf(silo, "data/reserve"))), "room is kept for what must be recorded");
            await FailsSince(silo, client, "set +x; while :; do head -c 300000 /dev/urandom | base64; done", "No space left on device");

            // Not a byte is left: what is acknowledged is stored, and what is not is refused.
            var submissions = await SubmitUntilRefused(silo, client);
            await Until(silo, async () => (await client.Get("/api/workers")).Body.Contains("paused by itself", StringComparison.Ordinal), "the worker says why it takes nothing");

            foreach (var filler in Directory.GetFiles(disk.PathOf(silo, ""), "filler*"))
                File.Delete(filler);
            (await client.Post($"/api/jobs/{acknowledged}/start")).Status.ShouldBe(200);
            (await Ended(silo, client, acknowledged)).ShouldBe("success", silo.Said);
            foreach (var (key, job) in submissions)
            {
                var again = await client.PostJson("/api/jobs", Submission, ("Idempotency-Key", key));
                again.Status.ShouldBe(200, again.Body);
                again.Id.ShouldBe(job ?? again.Id);
            }

            (await client.Get("/api/jobs"))["total"].GetInt32().ShouldBe(4 + submissions.Count);
        }

        await disk.Gone();
    }

    private static async Task FailsSince(SiloProcess silo, HttpClient client, string script, string why)
    {
        var job = (await client.PostJson("/api/jobs", new { manifest = Manifest(script) })).Id;
        var status = await Ended(silo, client, job);
        (status, (await client.Get($"/api/jobs/{job}"))["reason"].GetString()).ShouldBe(("failed", "internal"));
        // Its own log may have no room for that.
        var timeline = (await client.Get($"/api/jobs/{job}/timeline")).Body;
        timeline.ShouldContain(why, customMessage: timeline);
    }

    private static object Submission => new { manifest = Manifest("echo hello", $"# {new string('n', 15_000)}\n"), execute = false };

    private static string Manifest(string script, string more = "") => $"image: host\ntasks:\n- a: |\n    {script}\n{more}";

    /// <summary>Keys of submissions, with the job of those that were acknowledged; the last one was not.</summary>
    private async Task<List<(string Key, int? Job)>> SubmitUntilRefused(SiloProcess silo, HttpClient client)
    {
        var all = new List<(string, int?)>();
        while (true)
        {
            // What was kept for the database, too, once it has been given up.
            disk.Fill(silo, $"filler{all.Count}");
            var key = $"k{all.Count}";
            var answer = await client.PostJson("/api/jobs", Submission, ("Idempotency-Key", key));
            all.Add((key, answer.Status == 200 ? answer.Id : null));
            if (answer.Status == 200)
                continue;
            answer.Status.ShouldBe(503, answer.Body);
            answer.Body.ShouldStartWith("""{"errors":[{"reason":"Unknown outcome: the service could not store it""");
            return all;
        }
    }

    private async Task<HttpClient> Client(SiloProcess silo)
    {
        var address = (await silo.Ready.WaitAsync(Bound)).ShouldNotBeNull(silo.Said);
        var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(disk.PathOf(silo, "data/admin-token"))).Trim());
        return client;
    }

    /// <summary>The status of a job when it has ended.</summary>
    private static async Task<string> Ended(SiloProcess silo, HttpClient client, int job)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (true)
        {
            var answer = await client.Get($"/api/jobs/{job}?wait=20");
            if (answer["status"].GetString() is ("success" or "failed") and var status)
                return status;
            if (bound.IsCancellationRequested)
                throw new TimeoutException($"job {job} does not end: {answer.Body}; the silo said: {silo.Said}");
        }
    }

    private static async Task Until(SiloProcess silo, Func<Task<bool>> holds, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        using var bound = new CancellationTokenSource(Bound);
        while (!await holds())
        {
            if (bound.IsCancellationRequested)
                throw new TimeoutException($"did not come about: {what}; the silo said: {silo.Said}");
            await timer.WaitForNextTickAsync();
        }
    }
}
