using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Builds.Execution;
using Builds.Images;

namespace Builds.Benchmarks;

/// <summary>The command line of the benchmarks.</summary>
internal static class BenchmarksCommand
{
    private static readonly Benchmark[] All =
    [
        new DiskBenchmark(), new SpawnBenchmark(), new SubmissionBenchmark(), new LifecycleBenchmark(),
        new BuildBenchmark("process", ExecutionDriver.Process), new BuildBenchmark("bubblewrap", ExecutionDriver.Bubblewrap),
        new ImageBenchmark(ImageDriver.Bubblewrap, "≥ 67 %"), new ImageBenchmark(ImageDriver.Podman, "≥ 77 %"),
        new NeighbourBenchmark(driver: null), new NeighbourBenchmark(ImageDriver.Bubblewrap), new NeighbourBenchmark(ImageDriver.Podman),
        new FirstByteBenchmark(), new LogBenchmark(), new MaskBenchmark(), new QueueBenchmark(),
        new ClusterBenchmark(), new ClusterQueueBenchmark(), new CatalogueBenchmark(),
    ];

    public static Task<int> Run(string[] arguments)
    {
        var only = new Option<string[]>("--only") { Description = "Runs this one alone; may be given several times.", HelpName = "NAME" };
        only.AcceptOnlyFromAmong([.. All.Select(benchmark => benchmark.Name)]);
        var smoke = new Option<bool>("--smoke") { Description = "Does a little of everything: shows that it works, and nothing about speed." };
        var directory = new Option<string>("--directory")
        {
            Description = "On the disk that is measured. Default: beside this program.",
            HelpName = "DIR",
            DefaultValueFactory = _ => AppContext.BaseDirectory,
        };
        var root = new RootCommand(
            "Measures Builds, each figure beside its ceiling in the same run.\n\n" + string.Join('\n', All.Select(benchmark => $"  {benchmark.Name,-18} {benchmark.Says}")))
        { only, smoke, directory };
        root.SetAction(async (line, _) => await Run(
            line.GetValue(only) is { Length: > 0 } names ? [.. All.Where(benchmark => names.Contains(benchmark.Name))] : All,
            line.GetValue(smoke) ? Scale.Smoke : Scale.Full,
            Path.Combine(line.GetRequiredValue(directory), $"benchmarks-{Environment.ProcessId}")));
        return root.Parse(arguments).InvokeAsync();
    }

    private static async Task<int> Run(IEnumerable<Benchmark> benchmarks, Scale scale, string directory)
    {
        var begin = Stopwatch.GetTimestamp();
        var errors = Console.Error;
        Directory.CreateDirectory(directory);
        // The silos write their log as they always do, but not between the rows.
        await using var log = new StreamWriter(Path.Combine(directory, "silos.log")) { AutoFlush = true };
        Console.SetError(log);
        try
        {
            var table = new Table(Console.Out);
            Console.WriteLine(Machine(scale));
            table.Head();
            foreach (var benchmark in benchmarks)
            {
                if (benchmark.Obstacle is { } obstacle)
                {
                    table.Missing(benchmark.Name, obstacle);
                    continue;
                }

                var own = Path.Combine(directory, benchmark.Name);
                Directory.CreateDirectory(own);
                await benchmark.Run(scale, own, table);
                Directory.Delete(own, recursive: true);
            }
        }
        finally
        {
            Console.SetError(errors);
            Directory.Delete(directory, recursive: true);
        }

        Console.WriteLine($"All in {Stopwatch.GetElapsedTime(begin).TotalSeconds:N0} s. Compare ratios, not times: another run has another machine under it.");
        return 0;
    }

    private static string Machine(Scale scale)
    {
#if DEBUG
        const string Build = ", Debug build: figures mean nothing";
#else
        const string Build = "";
#endif
        var smoke = scale == Scale.Smoke ? ", smoke: figures mean nothing" : "";
        return $"{Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}{Build}{smoke}";
    }
}
