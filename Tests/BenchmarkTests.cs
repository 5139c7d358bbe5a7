using System.Diagnostics;
using Builds.Execution;
using Builds.Support;

namespace Builds.Tests;

/// <summary>The benchmarks are run by hand, and must work when they are.</summary>
public sealed class BenchmarkTests
{
    [BubblewrapFact]
    public async Task Every_figure_can_be_measured()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Builds.Benchmarks.dll");
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var process = Process.Start(new ProcessStartInfo(TestProgram.Dotnet, [program, "--smoke"])
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
            string[] figures =
            [
                "fdatasync of one 4 KiB page", "one connection, one write at a time", "bare posix_spawn of true, one at a time", "submissions, 16 clients", "submissions, 64 clients",
                "lifecycles, null executor", "process: builds of true", "bubblewrap: builds of true", "submission to first byte of the log",
                "log, one fast writer", "log, ranges of 1 MiB over HTTP",
            ];
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
