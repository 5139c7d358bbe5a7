using System.Net.Http.Headers;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Jobs;

namespace Builds.Benchmarks;

/// <summary>One large log, written as a build writes it and read as a client reads it.</summary>
internal sealed class LogBenchmark : Benchmark
{
    private const int Readers = 2;

    public override string Name => "logs";

    public override string Says => "One large log: appending beside a plain file, reading by ranges over HTTP beside reading the file.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        var executor = new FloodingExecutor(scale);
        await using var silo = await BenchmarkSilo.Start(directory, slots: 1, executor);
        var path = Path.Combine(directory, "plain");
        var job = new JobId(0);
        // As much as there is to write, whatever the time.
        var writes = await Load.InTurns(scale,
            _ => WriteFile(scale, path),
            async _ =>
            {
                job = await silo.Submit(Manifests.True);
                await silo.Ended(job);
                return executor.Last!;
            });
        table.Add(Row.OfBytes("log, one fast writer", writes[1]).Under("plain file, same pieces, synced", writes[0]));

        using var file = File.OpenHandle(path);
        var reads = await Load.InTurns(scale,
            span => Read(scale, span, (offset, buffer) => RandomAccess.ReadAsync(file, buffer, offset)),
            span => Read(scale, span, (offset, buffer) => Get(silo.Client, job, offset, buffer)));
        table.Add(Row.OfBytes($"log, ranges of 1 MiB over HTTP, {Readers} readers", reads[1]).Under("plain file, same ranges", reads[0]));
    }

    private static async Task<Rate> WriteFile(Scale scale, string path)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var offset = 0L;
        return await Flood.Write(
            scale,
            async piece =>
            {
                await RandomAccess.WriteAsync(file, piece, offset);
                offset += piece.Length;
            },
            () =>
            {
                RandomAccess.FlushToDisk(file);
                return ValueTask.CompletedTask;
            });
    }

    private static async Task<Rate> Read(Scale scale, TimeSpan span, Func<long, Memory<byte>, ValueTask<int>> read)
    {
        var buffers = Enumerable.Range(0, Readers).Select(_ => new byte[Flood.MiB]).ToArray();
        var next = Enumerable.Range(0, Readers).ToArray();
        return await Load.Run(Readers, span, async reader =>
        {
            var offset = (long)(next[reader] % scale.LogMiB) * Flood.MiB;
            next[reader] += Readers;
            var count = await read(offset, buffers[reader]);
            if (count != Flood.MiB)
                throw new IOException($"Of the MiB at {offset} only {count} bytes came.");
        });
    }

    private static async ValueTask<int> Get(HttpClient client, JobId job, long offset, Memory<byte> buffer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/logs/{job}/{Manifests.Task}/log");
        request.Headers.Range = new RangeHeaderValue(offset, offset + buffer.Length - 1);
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync();
        return await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
    }
}
