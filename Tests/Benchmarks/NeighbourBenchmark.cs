using System.Diagnostics;
using System.Globalization;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Neighbours;
using Builds.Benchmarks.Silos;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Jobs;
using Builds.Tests;
using Microsoft.Extensions.Options;

namespace Builds.Benchmarks;

/// <summary>
/// What a build and the silo notice of a build that takes all it can get: each figure with that build beside it and without, in turns. The
/// ratio is the median of those of all pairs.
/// </summary>
/// <param name="driver">Null: image <c>host</c>.</param>
internal sealed class NeighbourBenchmark(ImageDriver? driver) : Benchmark
{
    private const string Debian = "debian";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly string[] Figures = ["a unit of the neighbour", "GET of a job", "POST of a job", "a line of its log"];

    private readonly string place = driver?.ToString().ToLowerInvariant() ?? Image.Host, image = driver is null ? Image.Host : Debian;

    private static string Archive => Repository.PathOf("artifacts", "tests", "debian.tar");

    public override string Name => $"neighbour-{place}";

    public override string Says => $"A build and a silo beside builds that take all they can get, {(driver is null ? "image host" : $"in Debian under {place}")}.";

    public override string? Obstacle =>
        Environment.UserName != "root" ? "limits need root"
        : driver is not null && !File.Exists(Archive) ? $"{Archive} is not there: Tests/run makes it"
        : driver == ImageDriver.Podman && SandboxMachine.FindPodman() is null ? "podman is not installed: apt-get install podman"
        : BuildBenchmark.NeedsBubblewrap;

    public override async Task Run(Scale scale, string directory, Table table)
    {
        var data = Path.Combine(directory, "data");
        if (driver is { } wanted)
            await ServedSilo.Command("image", "add", Debian, "--rootfs", Archive, "--plain", "--driver", wanted.ToString(), "--data", data);
        await using var silo = await ServedSilo.Start(data, slots: 2,
            // Nothing of a build may be there when it has ended.
            ("Execution__Parked", "0"), ("Execution__Disk", scale.HogDisk), ("Execution__Memory", scale.HogMemory), ("Logs__MaxJobBytes", scale.HogOutput),
            ("Execution__Processes", scale.HogProcesses ?? ExecutionOptions.DefaultProcesses.ToString(CultureInfo.InvariantCulture)));
        var mark = new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = data })).Mark;
        var job = await Begin(silo, Neighbour.Manifest(image, scale.Line));
        await using var neighbour = Neighbour.Of(silo.Client, job);
        // What is made once and stays, as the network of the other slot, is there before anything is compared.
        await Ended(silo, await Begin(silo, Manifests.Of(image, "true")), reason: null);
        await Quiet(scale.WarmUp);
        var before = await Leftovers.Of(data, mark);
        foreach (var hog in Hog.All)
        {
            var (quiet, beside) = (new List<Samples[]>(), new List<Samples[]>());
            var (memory, highest) = (silo.Memory, 0L);
            for (var pair = 0; pair < scale.Pairs; pair++)
            {
                quiet.Add(await Quiet(scale.Beside));
                silo.ForgetHighestMemory();
                var taking = await Begin(silo, hog.Manifest(image, scale.Beside + Pause));
                var ending = Ended(silo, taking, hog.Reason);
                beside.Add(await Measure(silo, neighbour, job, scale.Beside, ending));
                await ending;
                highest = Math.Max(highest, silo.HighestMemory);
                await Leftovers.Gone(data, mark, before);
                if (await silo.LogLength(taking) is var kept && kept > long.Parse(scale.HogOutput, CultureInfo.InvariantCulture))
                    throw new InvalidOperationException($"{kept} bytes are kept of what job {taking} wrote.");
            }

            for (var i = 0; i < Figures.Length; i++)
                Add(table, $"{place}, {hog.Name}: {Figures[i]}", [.. quiet.Select(samples => samples[i])], [.. beside.Select(samples => samples[i])], samples => samples.Percentile(0.5));
            Add(table, $"{place}, {hog.Name}: {Figures[0]}, on average", [.. quiet.Select(samples => samples[0])], [.. beside.Select(samples => samples[0])], samples => samples.Mean);
            table.Add($"{place}, {hog.Name}: memory of the silo", MiB(highest), "before", MiB(memory));
        }

        await silo.Cancel(job);

        Task<Samples[]> Quiet(TimeSpan span) => Measure(silo, neighbour, job, span, Task.Delay(Timeout.Infinite));
    }

    /// <summary>Answers when the first task of a job runs.</summary>
    private static async Task<JobId> Begin(ServedSilo silo, string manifest)
    {
        var id = await silo.Submit(manifest);
        while (await silo.Job(id) is { Status: "queued" or "running", Task: "pending" })
            await Task.Delay(Pause);
        return id;
    }

    private static async Task Ended(ServedSilo silo, JobId id, string? reason)
    {
        (string Status, string, string? Reason, string All) job;
        do
            job = await silo.Job(id, wait: true);
        while (job.Status is "queued" or "running");
        if (job.Status != (reason is null ? "success" : "failed") || job.Reason != reason)
            throw new InvalidOperationException($"Job {id} was to end with {reason ?? "success"}: {job.All}");
    }

    /// <summary>Asks and submits for a while, or until the other one has ended.</summary>
    private static async Task<Samples[]> Measure(ServedSilo silo, Neighbour neighbour, JobId job, TimeSpan span, Task end)
    {
        var (gets, posts) = (new Samples(), new Samples());
        var (begin, began) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        do
        {
            var at = Stopwatch.GetTimestamp();
            await silo.Job(job);
            gets.Add(Stopwatch.GetElapsedTime(at));
            at = Stopwatch.GetTimestamp();
            await silo.Submit(Manifests.True, execute: false);
            posts.Add(Stopwatch.GetElapsedTime(at));
            await Task.Delay(Pause);
        }
        while (Stopwatch.GetElapsedTime(began) < span && !end.IsCompleted);
        var (units, lines) = await neighbour.Between(begin, TimeProvider.System.GetUtcNow());
        return [units, gets, posts, lines];
    }

    private static void Add(Table table, string name, List<Samples> quiet, List<Samples> beside, Func<Samples, TimeSpan?> figure)
    {
        var ratios = quiet.Zip(beside).Select(pair => (Without: figure(pair.First), With: figure(pair.Second))).Where(pair => pair is { Without: not null, With: not null })
            .Select(pair => pair.With!.Value / pair.Without!.Value).Order().ToList();
        table.Add(name, Milliseconds(figure(All(beside))), "without", Milliseconds(figure(All(quiet))),
            ratios.Count == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{ratios[ratios.Count / 2]:N2}"), "< 2");

        static Samples All(List<Samples> some)
        {
            var all = new Samples();
            foreach (var samples in some)
                all.Add(samples);
            return all;
        }
    }

    private static string Milliseconds(TimeSpan? time) => time is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known.TotalMilliseconds:N2} ms") : "";

    private static string MiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20:N0} MiB");
}
