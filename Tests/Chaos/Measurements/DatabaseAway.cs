using Builds.Jobs;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>
/// PostgreSQL is stopped for a minute while the silos reach each other: every build that runs goes on in its first attempt, what ends
/// meanwhile is reported afterwards, and everything goes on by itself.
/// </summary>
internal sealed class DatabaseAway(Field field)
{
    private const int Before = 6, After = 6;

    private static readonly TimeSpan Away = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>So long do those run that end during the outage, and after it.</summary>
    private static readonly int[] Seconds = [10, 20, 30, 40, 50, 60, 70, 80];

    public async Task Run(int times)
    {
        for (var time = 0; time < times; time++)
            await Round();
    }

    private async Task Round()
    {
        var holding = await field.Running(Recipe.Holds, Before);
        var presences = holding.ToDictionary(job => job, job => field.Cluster.Witness.AliveOf(job.Id!.Value).Single());
        var ending = await Task.WhenAll(Seconds.Select(seconds => field.Submit(new Recipe($"sleeps {seconds} s", $"sleep {seconds}; echo slept", "slept\n"))));
        await field.Until(() => ending.All(job => field.Began(job.Id!.Value, 1) is not null), "jobs that end meanwhile run", () => field.Show(ending));
        var acknowledged = await Task.WhenAll(Enumerable.Range(0, Before).Select(_ => field.Submit(Recipe.All[0])));

        field.Tell($"database stopped for {Away.TotalSeconds} s");
        await field.Cluster.Postgres.Stop();
        var meanwhile = await SubmitMeanwhile();
        field.Tell("database starts again");
        await field.Cluster.Postgres.StartAgain();
        var back = TimeProvider.System.GetTimestamp();

        await field.Cluster.UntilWhole();
        field.Figures.Time("database back: every silo says that it is ready", TimeProvider.System.GetElapsedTime(back));
        var later = await Task.WhenAll(Enumerable.Range(0, After).Select(_ => field.Submit(Recipe.All[0])));
        field.Figures.Time("database back: further submissions are acknowledged", TimeProvider.System.GetElapsedTime(back));
        await field.Until(() => later.All(job => field.Began(job.Id!.Value, 1) is not null), "new jobs run", () => field.Show(later));
        foreach (var job in later)
            field.Figures.Time("database back: a new job runs", TimeProvider.System.GetElapsedTime(back, field.Began(job.Id!.Value, 1)!.Value));
        Submission[] early = [.. acknowledged, .. ending.Where(job => !job.Recipe.Name.EndsWith("70 s", StringComparison.Ordinal) && !job.Recipe.Name.EndsWith("80 s", StringComparison.Ordinal))];
        await field.Until(() => early.All(field.IsFinal), "what ended meanwhile is reported", () => field.Show(early));
        field.Figures.Time("database back: all that ended meanwhile is reported", TimeProvider.System.GetElapsedTime(back));
        await field.Until(() => ending.Concat(later).All(field.IsFinal), "everything ends", () => field.Show([.. ending, .. later]));
        field.Figures.Count("database away: submissions without an answer", meanwhile.Count(submission => submission.Id is null));
        CheckNobodyWasKilled(holding, ending, presences);
        await field.Cancel(holding);
    }

    /// <summary>Nobody can be told yes; whoever is must find the job afterwards.</summary>
    private async Task<List<Submission>> SubmitMeanwhile()
    {
        var since = TimeProvider.System.GetTimestamp();
        var submissions = new List<Submission>();
        var sending = new List<Task>();
        while (TimeProvider.System.GetElapsedTime(since) < Away)
        {
            var submission = field.Ledger.Add(Recipe.All[0], key: Guid.NewGuid().ToString(), execute: true);
            submissions.Add(submission);
            sending.Add(field.Workload.Send(field.Random, submission));
            await Task.Delay(Pause);
        }

        // Those that are under way get what patience they have; the rest is repeated in the end, as their keys allow.
        await Task.WhenAll(sending);
        return submissions;
    }

    private void CheckNobodyWasKilled(Submission[] holding, Submission[] ending, Dictionary<Submission, Presence> presences)
    {
        foreach (var job in holding.Where(job => !presences[job].IsAlive || field.Records.Of(job.Id!.Value) is not { Attempt: 1, Status: JobStatus.Running }))
            field.Mistaken($"a build was killed while the database was away: {field.Show([job])}");
        foreach (var job in ending.Where(job => field.Records.Of(job.Id!.Value) is not { Attempt: 1, Status: JobStatus.Success }))
            field.Mistaken($"a build that ended while the database was away did not succeed in its first attempt: {field.Show([job])}");
        field.Figures.Count("database away: builds that ran all the time", holding.Length + ending.Length);
    }
}
