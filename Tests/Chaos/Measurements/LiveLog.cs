using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Builds.Tests.Recovery;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>
/// A job on one silo writes a log as fast as it can. Readers on the others follow it, are cut off at random and go on: all see the same
/// bytes. Readers that stopped reading cost the writer nothing: it is timed with and without them, by turns.
/// </summary>
internal sealed class LiveLog(Field field, int megabytes)
{
    private const string Line = "line %010.0f of a log that is read while it is written, as fast as it can be: 0123456789 abcdefghijklmn";
    private const int LineLength = 107;
    private const int Followers = 3, Rangers = 1, DeadPerSilo = 4;

    private readonly int lines = megabytes * 1_000_000 / LineLength;

    public async Task Run(int times)
    {
        var (writer, others) = (field.Cluster.Members[0], field.Cluster.Members.Skip(1).ToArray());
        foreach (var other in others)
            await Tell(other, "drain");
        for (var time = 0; time < times; time++)
        {
            await Followed(writer, others, time);
            foreach (var isDead in time % 2 == 0 ? new[] { false, true } : [true, false])
                await Timed(isDead);
        }

        foreach (var other in others)
            await Tell(other, "resume");
    }

    private Recipe Writes => new(
        "writes", $"begin=$(date +%s%N); seq -f '{Line}' 1 {lines}; echo \"took $(( $(date +%s%N) - begin )) ns\"", Output: null);

    private async Task Followed(Member writer, Member[] others, int seed)
    {
        var job = await field.Submit(Writes);
        HashedLog[] readers =
        [
            .. others.SelectMany(other => Enumerable.Range(0, Followers + Rangers)
                .Select(number => new HashedLog(field.Callers, other, $"/logs/{job.Id}/a/log", number < Followers, new Random((seed * 100) + number), () => field.IsFinal(job)))),
        ];
        await Task.WhenAll(readers.Select(reader => reader.Run()));
        await field.Until(() => field.IsFinal(job), "the writer ends", () => field.Show([job]));
        var (hash, length) = await Whole(writer, job);
        foreach (var reader in readers.Where(reader => reader.Length != length || reader.Hash != hash))
            field.Mistaken($"job {job.Id}: {reader} has {reader.Length} bytes, hash {reader.Hash}; {writer.Name} shows {length}, {hash}");
        foreach (var other in others)
        {
            if (await Whole(other, job) is var theirs && theirs != (hash, length))
                field.Mistaken($"job {job.Id}: {other.Name} shows {theirs}, {writer.Name} {(hash, length)}");
        }

        await CheckLines(writer, job, length);
        var took = await Took(writer, job, length);
        field.Figures.Count("live log: readers", readers.Length);
        field.Figures.Count("live log: times a reader was cut and went on", readers.Sum(reader => reader.Cuts));
        field.Figures.Add(new Figure("live log: written while it was read by these", length / took.TotalSeconds / 1e6, "MB/s"));
    }

    private async Task Timed(bool withDeadReaders)
    {
        var job = await field.Submit(Writes);
        var dead = withDeadReaders ? await Task.WhenAll(field.Cluster.Members.SelectMany(member => Enumerable.Range(0, DeadPerSilo).Select(_ => DeadReader.Open(member, $"/logs/{job.Id}/a/log?follow=true")))) : [];
        await field.Until(() => field.IsFinal(job), "the writer ends", () => field.Show([job]));
        foreach (var reader in dead)
            reader.Dispose();
        var writer = field.Cluster.Members[0];
        var took = await Took(writer, job, (await Whole(writer, job)).Length);
        field.Figures.Time(withDeadReaders ? $"live log: writing {megabytes} MB with {dead.Length} dead readers" : $"live log: writing {megabytes} MB without readers", took);
    }

    private async Task Tell(Member worker, string what)
    {
        if (await field.Callers.Ask(field.Random, HttpMethod.Post, $"/api/workers/{worker.Name}/{what}") is not { } answer)
            throw new HarnessException($"{what} of {worker.Name} has no answer");
        Load.Expect(answer, 200, $"{what} of {worker.Name}");
    }

    private async Task<(string Hash, long Length)> Whole(Member member, Submission job)
    {
        var reader = new HashedLog(field.Callers, member, $"/logs/{job.Id}/a/log", follows: false, random: null, () => true);
        await reader.Run();
        return (reader.Hash, reader.Length);
    }

    /// <summary>Nothing but the lines, and after them what the writer says.</summary>
    private async Task CheckLines(Member member, Submission job, long length)
    {
        var (begin, last) = await Parts(member, job, length);
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var line = 1; line <= lines; line++)
            expected.AppendData(Encoding.ASCII.GetBytes(Line.Replace("%010.0f", line.ToString("0000000000", CultureInfo.InvariantCulture), StringComparison.Ordinal) + "\n"));
        expected.AppendData(Encoding.ASCII.GetBytes(last));
        var reader = new HashedLog(field.Callers, member, $"/logs/{job.Id}/a/log", follows: false, random: null, () => true, from: begin);
        await reader.Run();
        if (reader.Hash != Convert.ToHexStringLower(expected.GetHashAndReset()))
            field.Mistaken($"job {job.Id}: what it wrote is not what its log shows from byte {begin} on");
    }

    private async Task<TimeSpan> Took(Member member, Submission job, long length)
    {
        var words = (await Parts(member, job, length)).Last.Split(' ');
        return TimeSpan.FromMicroseconds(double.Parse(words[1], CultureInfo.InvariantCulture) / 1000);
    }

    /// <summary>Where the lines begin, and the last line.</summary>
    private async Task<(long Begin, string Last)> Parts(Member member, Submission job, long length)
    {
        var (_, stream) = await field.Callers.From(member, $"/logs/{job.Id}/a/log", Math.Max(0, length - LineLength), CancellationToken.None);
        using var reader = new StreamReader(stream ?? throw new HarnessException($"no log of job {job.Id}"));
        var text = await reader.ReadToEndAsync();
        var last = text[text.LastIndexOf("took ", StringComparison.Ordinal)..];
        return (length - last.Length - ((long)lines * LineLength), last);
    }
}
