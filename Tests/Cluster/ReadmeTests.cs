using Builds.Jobs;

namespace Builds.Tests.Cluster;

/// <summary>The five lines of Tests/README.md, as they stand there.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task The_five_lines_do_what_the_page_says()
    {
        // The page shows from here:
        await using var cluster = await BuildsTestCluster.Start(slots: 2);
        var job = await cluster.Submit("image: held\ntasks:\n- test: 'make test'\n");
        var build = await cluster.Executor.Build(job.Id);
        cluster.Calls.Silence();
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Queued, "queued again");
        // to here.

        build.Kill.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void The_page_shows_the_lines_that_are_tested()
    {
        var tested = File.ReadAllText(Repository.PathOf("Tests", "Cluster", "ReadmeTests.cs")).Split("// The page shows from here:\n")[1].Split("        // to here.")[0];
        var shown = File.ReadAllText(Repository.PathOf("Tests", "README.md")).Split("```csharp\n")[1].Split("```")[0];

        shown.ShouldBe(tested.Replace("        ", "", StringComparison.Ordinal));
    }
}
