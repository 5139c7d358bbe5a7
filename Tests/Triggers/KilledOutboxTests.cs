using System.Net.Http.Headers;
using System.Text.Json;
using Builds.Cluster;
using Builds.Tests.Silos;

namespace Builds.Tests.Triggers;

/// <summary>A real silo is killed between the end of a job and its delivery, and again between that and its record.</summary>
public sealed class KilledOutboxTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly TempFolder folder = new();

    private DataDirectory Data => DataDirectory.Existing(Path.Combine(folder.Path, "data"));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_is_to_be_delivered_survives_kill_9_and_what_arrives_twice_can_be_told_by_its_nonce()
    {
        await using var target = new Target();
        var key = "";
        await Live("job.stored/success:1:0", async client =>
        {
            key = (await client.Get("/api/webhook-key"))["public_key"].GetString()!;
            await client.PostJson("/api/jobs", new { manifest = $"image: host\ntriggers: [{{action: webhook, condition: always, url: '{target.Url}'}}]\ntasks: [{{a: 'true'}}]\n" });
        });
        target.Requests.ShouldBeEmpty();
        await Live("trigger.sent:1:0");
        target.Requests.Count.ShouldBe(1);

        JsonElement trigger = default;
        await Live(killPoint: null, async client =>
        {
            do
                trigger = (await client.Get("/api/jobs/1"))["triggers"][0];
            while (trigger.GetProperty("state").GetString() == "pending");
            (await client.Get("/api/webhook-key"))["public_key"].GetString().ShouldBe(key);
        });

        (trigger.GetProperty("state").GetString(), trigger.GetProperty("attempts").GetInt32()).ShouldBe(("delivered", 1), "of the try before nobody knows");
        var requests = target.Requests.ToArray();
        requests.Length.ShouldBe(2);
        requests.Select(request => request.Headers["X-Payload-Nonce"]).Distinct().ShouldHaveSingleItem();
        requests.Select(request => JsonDocument.Parse(request.Body).RootElement.GetProperty("status").GetString()).Distinct().ShouldBe(["success"]);
    }

    /// <summary>One silo until it dies at the kill point, or, without one, until all is done.</summary>
    private async Task Live(string? killPoint, Func<HttpClient, Task>? use = null)
    {
        await using var silo = SiloProcess.Start(
            [typeof(BuildsHost).Assembly.Location, "serve", "--urls", "http://127.0.0.1:0", "--data", Data.Path, "--slots", "1"],
            [("Triggers:AllowedAddresses", "127.0.0.1"), ("Execution:Driver", "Process")],
            killPoint);
        if (use is not null)
        {
            var address = (await silo.Ready.WaitAsync(Bound)).ShouldNotBeNull(silo.Said);
            using var client = new HttpClient { BaseAddress = address };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Data.AdminToken)).Trim());
            await use(client);
        }

        if (killPoint is null)
            return;
        await silo.Ended.WaitAsync(Bound);
        silo.DiedAtKillPoint.ShouldBeTrue(silo.Said);
    }
}
