using Builds.Support;
using Builds.Tests.Silos;
using Npgsql;
using Xunit.Abstractions;

namespace Builds.Tests.Chaos;

/// <summary>Silos that do a part of the work only.</summary>
public sealed class RoleTests(ITestOutputHelper output)
{
    [PostgresFact]
    public async Task A_front_door_runs_no_builds_and_a_worker_answers_nobody_and_together_they_are_a_cluster()
    {
        await using var postgres = await PostgresServer.Start();
        await using var cluster = await ChaosCluster.Start(
            postgres, 2, output.WriteLine, member => [("Cluster:Role", member.Name == "s1" ? "FrontDoor" : "Worker")], firstAlone: true);
        var (door, worker) = (cluster.Members[0], cluster.Members[1]);
        using var callers = new Callers(cluster, mistake => throw new HarnessException(mistake));
        var random = new Random(1);

        var submitted = (await callers.Ask(random, HttpMethod.Post, "/api/jobs", new { manifest = "image: host\ntasks:\n- a: echo here\n" }, member: door))!;
        submitted.Status.ShouldBe(200, submitted.Body);
        Answer shown;
        do shown = (await callers.Ask(random, HttpMethod.Get, $"/api/jobs/{submitted.Id}?wait=10", member: door))!;
        while (shown["status"].GetString() is not ("success" or "failed"));
        var workers = (await callers.Ask(random, HttpMethod.Get, "/api/workers", member: door))!;
        await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        var place = await database.CreateCommand("SELECT grain FROM grain_directory").ExecuteScalarAsync();
        var refused = (await callers.Ask(random, HttpMethod.Get, "/api/workers", member: worker))!;

        shown["status"].GetString().ShouldBe("success");
        workers["results"].EnumerateArray().Select(one => one.GetProperty("name").GetString()).ShouldBe([worker.Name]);
        place.ShouldBe("queue/default", "not in the memory of silos");
        refused.Status.ShouldBe(404);
        refused.Body.ShouldContain("this silo runs builds and answers /health only (--role Worker): ask a silo of the cluster that has a front door");
    }
}
