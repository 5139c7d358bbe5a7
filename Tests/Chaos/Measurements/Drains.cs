using System.Collections.Concurrent;
using Builds.Jobs;
using Builds.Tests.Recovery;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>Drains of one worker after the other race with dispatch.</summary>
internal sealed class Drains(Field field)
{
    /// <summary>More than all slots, so that every slot that becomes free is given out at once.</summary>
    private const int Open = 40;

    private const int Submitters = 4;

    private readonly List<DrainRace> races = [];

    public async Task Run(int times)
    {
        using var enough = new CancellationTokenSource();
        var jobs = new ConcurrentQueue<Submission>();
        Task[] flow = [.. Enumerable.Range(0, Submitters).Select(_ => Flow(jobs, enough.Token))];
        await field.Until(() => jobs.Count(field.IsFinal) > Submitters, "jobs flow", () => field.Show(jobs));
        for (var time = 0; time < times; time++)
        {
            await One(field.Cluster.Members[field.Random.Next(field.Cluster.Members.Count)]);
            if (field.Mistakes.Count > 0)
                break;
        }

        await enough.CancelAsync();
        await Task.WhenAll(flow);
        await field.Until(() => jobs.All(field.IsFinal), "every job ends", () => field.Show(jobs.Where(job => !field.IsFinal(job))));
        Compare([.. jobs.Select(job => field.Records.Of(job.Id!.Value)!)]);
    }

    private async Task One(Member member)
    {
        await Task.Delay(field.Random.Next(30));
        var began = TimeProvider.System.GetUtcNow();
        var answer = await field.Callers.Ask(field.Random, HttpMethod.Post, $"/api/workers/{member.Name}/drain", new { note = "a race" });
        var answered = TimeProvider.System.GetUtcNow();
        if (answer is not null)
            Load.Expect(answer, 200, $"drain of {member.Name}");
        // Time enough for a job that was on its way.
        await Task.Delay(field.Random.Next(20, 120));
        var resumed = TimeProvider.System.GetUtcNow();
        while (await field.Callers.Ask(field.Random, HttpMethod.Post, $"/api/workers/{member.Name}/resume") is not { Status: 200 })
            field.Figures.Count("drains: repeated resumes", 1);
        if (answer is null)
        {
            field.Figures.Count("drains: without an answer, which counts as no race", 1);
            return;
        }

        races.Add(new DrainRace(member.Name, began, answered, resumed));
        field.Figures.Time("drains: the answer", answered - began);
    }

    private void Compare(JobState[] jobs)
    {
        var found = DrainRaces.Compare(races, jobs, (job, attempt) => field.Began(job, attempt) is not null);
        foreach (var mistake in found.Mistakes)
            field.Mistaken(mistake);
        field.Figures.Count("drains: races", races.Count);
        field.Figures.Count("drains: races in which a job was claimed while the drain was under way", found.Close);
        field.Figures.Count("drains: claims after the answer, handed back without running", found.InVain);
        field.Figures.Count("drains: jobs", jobs.Length);
    }

    private async Task Flow(ConcurrentQueue<Submission> jobs, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            var mine = await Task.WhenAll(Enumerable.Range(0, Open / Submitters).Select(_ => field.Submit(Recipe.Short)));
            foreach (var job in mine)
                jobs.Enqueue(job);
            // Half of them are still there when the next ones come.
            await field.Until(() => mine.Count(field.IsFinal) >= mine.Length / 2, "jobs end", () => field.Show(mine));
        }
    }
}
