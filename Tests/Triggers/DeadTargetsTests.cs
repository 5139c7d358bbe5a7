using Builds.Jobs;
using Builds.Triggers;

namespace Builds.Tests.Triggers;

public sealed class DeadTargetsTests
{
    private const int Many = 1000;

    /// <summary>A thousand real sockets that never answer, all of them open; jobs go through meanwhile.</summary>
    [Fact]
    public async Task A_thousand_dead_targets_hold_up_no_job()
    {
        await using var dead = new Target(Target.Silence);
        await using var server = await BuildsServer.Start(new BuildsServerOptions
        {
            Settings = new Dictionary<string, string?>
            {
                ["Builds:Triggers:AllowedAddresses"] = "127.0.0.1",
                ["Builds:Triggers:Timeout"] = "00:05:00",
                ["Builds:Triggers:Concurrency"] = $"{Many}",
                ["Builds:Triggers:PerOwner"] = $"{Many}",
                ["Builds:Triggers:PerTarget"] = $"{Many}",
            },
        });
        var manifest = $"image: host\ntriggers: [{{action: webhook, condition: always, url: '{dead.Url}'}}]\ntasks: [{{a: 'true'}}]\n";
        await Parallel.ForEachAsync(Enumerable.Range(1, Many), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (number, _) =>
        {
            await server.Grains.GetGrain<IJobGrain>(number).Submit(Some.Submission(manifest: manifest) with { Execute = false });
            await server.Grains.GetGrain<IJobGrain>(number).Cancel();
        });
        await dead.Hears(Many);

        foreach (var number in Enumerable.Range(Many + 1, 20))
        {
            await server.Grains.GetGrain<IJobGrain>(number).Submit(Some.Submission());
            (await server.Ended(number)).ShouldContain("\"status\":\"success\"");
        }

        foreach (var number in Enumerable.Range(1, Many))
        {
            (await server.Grains.GetGrain<IJobGrain>(number).Get())!.Triggers.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
                trigger => trigger.Status.ShouldBe(TriggerStatus.Pending), trigger => trigger.Attempts.ShouldBe(0));
        }
    }
}
