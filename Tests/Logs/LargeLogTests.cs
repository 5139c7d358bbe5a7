using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Builds.Support;
using Xunit.Abstractions;

namespace Builds.Tests.Logs;

/// <summary>A real build of a real silo in a process of its own, so that its memory is nobody else's.</summary>
public sealed class LargeLogTests(ITestOutputHelper output)
{
    private const int Size = 200 << 20;
    private const int Line = 9;
    private const int FirstLine = 10_000_000;
    private const long AllowedGrowth = 64 << 20;

    /// <summary>Numbers of eight digits, each on a line: what stands at an offset can be told.</summary>
    private static string Manifest(int size) => $"image: host\ntasks:\n- big: |\n    set +x\n    seq {FirstLine} 99999999 | head -c {size}\n";

    [Fact]
    public async Task A_log_of_200_MiB_is_kept_whole_and_read_back_while_it_grows_without_growing_the_silo()
    {
        using var folder = new TempFolder();
        await using var silo = TestProgram.Start(user: null, "logs", "silo", folder.Path);
        var (address, token) = (await silo.Line()).Split(' ') is [var first, var second] ? (first, second) : throw new InvalidOperationException("no address");
        using var client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        // What a first build and a first reader take once is not the log's.
        await Check(client, job: 1, size: 4 << 20);

        var before = Memory(silo.Id, "VmRSS");
        await File.WriteAllTextAsync($"/proc/{silo.Id}/clear_refs", "5"); // proc(5): the peak begins anew
        var ranges = await Check(client, job: 2, size: Size);
        var growth = Memory(silo.Id, "VmHWM") - before;

        output.WriteLine($"{ranges} ranges read while it grew; the silo's memory grew by at most {growth / 1048576.0:F1} MiB");
        growth.ShouldBeLessThan(AllowedGrowth);
    }

    /// <summary>Follows the log to its end; after every few MiB it reads some range of what was shown so far. Answers how many.</summary>
    private static async Task<int> Check(HttpClient client, int job, int size)
    {
        using var form = new FormUrlEncodedContent([new("manifest", Manifest(size))]);
        (await client.PostAsync(new Uri("/api/jobs", UriKind.Relative), form)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var follower = await client.GetStreamAsync(new Uri($"/logs/{job}/big/log?follow=true", UriKind.Relative));
        var heading = new byte[Line];
        await follower.ReadExactlyAsync(heading);
        Encoding.ASCII.GetString(heading).ShouldBe("+ set +x\n");

        var (random, buffer, ranges) = (new Random(job), new byte[1 << 20], 0);
        long shown = Line;
        for (long nextRange = 0; await follower.ReadAsync(buffer) is > 0 and var count; shown += count)
        {
            ShouldBeOutput(buffer.AsSpan(0, count), shown);
            if (shown + count < nextRange)
                continue;
            nextRange = shown + count + (4 << 20);
            await CheckRange(client, $"/logs/{job}/big/log", random.NextInt64(Line, shown + count), shown + count);
            ranges++;
        }

        shown.ShouldBe(Line + size);
        using var head = new HttpRequestMessage(HttpMethod.Head, $"/logs/{job}/big/log");
        using var answer = await client.SendAsync(head);
        answer.Content.Headers.ContentLength.ShouldBe(Line + size);
        return ranges;
    }

    private static async Task CheckRange(HttpClient client, string path, long from, long shown)
    {
        var last = Math.Min(from + (2 << 20), shown) - 1;
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Range = new RangeHeaderValue(from, last);
        using var answer = await client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        bytes.Length.ShouldBe((int)(last - from + 1));
        ShouldBeOutput(bytes, from);
    }

    private static void ShouldBeOutput(ReadOnlySpan<byte> bytes, long offset)
    {
        Span<byte> line = stackalloc byte[Line];
        line[^1] = (byte)'\n';
        for (var index = 0; index < bytes.Length;)
        {
            var (number, column) = Math.DivRem(offset - Line + index, Line);
            (FirstLine + number).TryFormat(line, out _, default, CultureInfo.InvariantCulture);
            var part = Math.Min(Line - (int)column, bytes.Length - index);
            if (!bytes.Slice(index, part).SequenceEqual(line.Slice((int)column, part)))
                throw new InvalidDataException($"at offset {offset + index} stands '{Encoding.ASCII.GetString(bytes.Slice(index, part))}' in place of '{Encoding.ASCII.GetString(line)}'");
            index += part;
        }
    }

    /// <summary>A line of /proc/PID/status, in bytes.</summary>
    private static long Memory(int process, string what) =>
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(what + ":", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries) is [.., var kibibytes, "kB"]
            ? long.Parse(kibibytes.Split('\t')[^1], CultureInfo.InvariantCulture) * 1024
            : throw new InvalidDataException($"no {what}");
}
