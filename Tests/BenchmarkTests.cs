using System.Diagnostics;
using Builds.Execution;
using Builds.Support;

namespace Builds.Tests;

/// <summary>The benchmarks are run by hand, and must work when they are.</summary>
public sealed class BenchmarkTests
{
    [BubblewrapFact]
    public Task Every_figure_of_a_silo_can_be_measured() => Measure(
        ["disk", "spawn", "submissions", "lifecycles", "builds-process", "builds-bubblewrap", "first-byte", "logs", "mask", "queue"],
        "fdatasync of one 4 KiB page", "one connection, one write at a time", "bare posix_spawn of true, one at a time", "submissions, 16 clients", "submissions, 64 clients",
        "lifecycles, null executor", "process: builds of true", "bubblewrap: builds of true", "submission to first byte of the log",
        "log, one fast writer", "log, ranges of 1 MiB over HTTP", "100 secrets, nothing but secrets", "queue's book, 100 owners");

    [RootFact]
    public Task What_images_cost_can_be_measured() => Measure(
        ["images-bubblewrap", "images-podman"], "bubblewrap image: ready for its first command", "podman image: ready for its first command");

    // The topics cluster and cluster-queue start silo after silo, and those called neighbour run builds that take all they can get, which takes minutes: by hand only.
    [PostgresFact]
    public Task The_list_of_a_cluster_can_be_measured() => Measure(["catalogue"], "list page over HTTP, with total: p99");

    private static async Task Measure(string[] topics, params string[] figures)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Builds.Benchmarks.dll");
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        using var process = Process.Start(new ProcessStartInfo(TestProgram.Dotnet, [program, "--smoke", .. topics.SelectMany(topic => new[] { "--only", topic })])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(bound.Token);
            var table = await process.StandardOutput.ReadToEndAsync(bound.Token);
            await process.WaitForExitAsync(bound.Token);

            (await errors).ShouldBeEmpty(table);
            process.ExitCode.ShouldBe(0, table);
            foreach (var figure in figures)
                table.ShouldContain(figure);
            table.ShouldNotContain("not measured");
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
