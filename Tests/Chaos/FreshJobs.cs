using Builds.Jobs;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>
/// A cluster that is in no trouble any more gives out what is new at once, while readers who stopped reading hold on to logs on every silo.
/// </summary>
internal sealed class FreshJobs(ChaosCluster cluster, Workload workload, Ledger ledger, Records records, Vigil vigil, Action<string> mistaken)
{
    /// <summary>More than a cluster of three has slots, so that some wait for one.</summary>
    private const int Jobs = 14;

    /// <summary>As long may a call take that went to a silo which was in trouble.</summary>
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    private readonly Random random = new(2);
    private readonly long began = TimeProvider.System.GetTimestamp();
    private readonly string starts = cluster.Starts;

    /// <summary>
    /// Call it some time after this was made: what is left of the calm is waited for. Answers how many looks at the first in line were quick
    /// enough to tell how long it waited; 0 if they do not count.
    /// </summary>
    public async Task<int> Run()
    {
        if (cluster.Starts != starts)
            await Task.Delay(Calm);
        else if (Calm - TimeProvider.System.GetElapsedTime(began) is { Ticks: > 0 } left)
            await Task.Delay(left);

        var before = cluster.Starts;
        var dead = await DeadReaders();
        var late = new List<string>();
        var dispatch = new DispatchWatch(late.Add);
        var fresh = Enumerable.Range(0, Jobs).Select(_ => ledger.Add(Recipe.All[0], key: Guid.NewGuid().ToString(), execute: true)).ToArray();
        var sending = Task.WhenAll(fresh.Select((submission, number) => Send(submission, new Random(number))));
        await UntilDone(fresh, sending, dispatch);
        await sending;
        foreach (var reader in dead)
            reader.Dispose();
        var isCalm = cluster.Starts == before;
        cluster.Tell($"the first in line waited beside a free slot for at most {dispatch.Longest.TotalSeconds:0.00} s, by {dispatch.Looks} looks that were quick enough{(isCalm ? "" : "; a silo ended meanwhile, so that it does not count")}");
        if (isCalm && dispatch is { Looks: > 0, MostFree: 0 })
            mistaken("no worker was ever seen that had a free slot: who watches the first in line is blind");
        foreach (var mistake in late.Where(_ => isCalm))
            mistaken(mistake);
        return isCalm ? dispatch.Looks : 0;
    }

    private async Task UntilDone(Submission[] fresh, Task sending, DispatchWatch dispatch)
    {
        var since = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(Often);
        while (true)
        {
            await vigil.Look(random, dispatch);
            if (sending.IsCompleted && fresh.All(submission => submission.Id is { } id && records.Of(id)?.Status == JobStatus.Success))
                return;
            if (TimeProvider.System.GetElapsedTime(since) > Bound)
            {
                mistaken($"not all of {Jobs} new jobs succeeded within {Bound} after everything was healed: {string.Join(", ", fresh.Select(submission => $"{submission.Id}: {(submission.Id is { } id ? records.Of(id)?.Status : null)}"))}");
                return;
            }

            await timer.WaitForNextTickAsync();
        }
    }

    private async Task Send(Submission submission, Random its)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (submission.Id is null && TimeProvider.System.GetElapsedTime(since) < Bound)
            await workload.Send(its, submission);
    }

    /// <summary>On logs that do not fit into what lies between, so that whoever sends them has to wait.</summary>
    private async Task<IReadOnlyList<DeadReader>> DeadReaders()
    {
        var readers = new List<DeadReader>();
        foreach (var job in ledger.Submissions.Where(known => known is { Recipe.Name: "floods" or "writes", Id: not null }).Take(3))
        {
            foreach (var member in cluster.Members)
                readers.Add(await DeadReader.Open(member, $"/logs/{job.Id}/a/log?follow=true"));
        }

        return readers;
    }
}
