using System.Diagnostics;
using System.Net;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Benchmarks;

/// <summary>How long a person waits for a sign of life: from submitting to the first byte of the first task's log, both over HTTP.</summary>
internal sealed class FirstByteBenchmark : Benchmark
{
    /// <summary>How often the log is asked for. It limits how exact the figure is.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    public override string Name => "first-byte";

    public override string Says => "Submission to the first byte of the first task's log over HTTP, on an idle silo, with bubblewrap.";

    public override string? Obstacle => BuildBenchmark.NeedsBubblewrap;

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var silo = await BenchmarkSilo.Start(directory, slots: 2, ExecutionDriver.Bubblewrap);
        var samples = new Samples();
        var (begin, processor) = (Stopwatch.GetTimestamp(), ProcessorTime.Now);
        for (var i = -scale.Singles / 5; i < scale.Singles; i++)
        {
            if (i == 0)
                (begin, processor) = (Stopwatch.GetTimestamp(), ProcessorTime.Now);
            var submitted = Stopwatch.GetTimestamp();
            var job = await silo.Submit(Manifests.Hello);
            await FirstByte(silo.Client, job);
            if (i >= 0)
                samples.Add(Stopwatch.GetElapsedTime(submitted));
            await silo.Ended(job);
        }

        var rate = new Rate(samples.Count, Stopwatch.GetElapsedTime(begin), ProcessorTime.Now - processor, samples);
        table.Add(Row.Of("submission to first byte of the log", rate) with { Aim = "p50 ≤ 60 ms", HasRate = false });
    }

    private static async Task FirstByte(HttpClient client, JobId job)
    {
        var begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < Bound)
        {
            using var answer = await client.GetAsync($"/logs/{job}/{Manifests.Task}/log", HttpCompletionOption.ResponseHeadersRead);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                await using var body = await answer.Content.ReadAsStreamAsync();
                if (await body.ReadAsync(new byte[1]) > 0)
                    return;
            }
            else if (answer.StatusCode != HttpStatusCode.NotFound)
            {
                throw new HttpRequestException($"The log of job {job} was refused with {(int)answer.StatusCode}.");
            }

            await Task.Delay(Pause);
        }

        throw new TimeoutException($"Job {job} wrote nothing within {Bound}.");
    }
}
