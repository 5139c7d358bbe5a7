using Builds.Tests.Silos;

namespace Builds.Tests.Chaos.Measurements;

internal enum Trial
{
    /// <summary>SIGKILL of a silo that has not the queue.</summary>
    Kill,
    /// <summary>SIGKILL of the one that has it.</summary>
    KillOfQueue,
    Freeze,
    FreezeOfQueue,
}

/// <summary>A silo is killed or frozen while jobs run on all: when its builds end, and when its jobs run again elsewhere.</summary>
internal sealed class Losses(Field field)
{
    private const int Jobs = 12;

    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(1);

    /// <summary>One after the other; each leaves the cluster whole.</summary>
    public async Task Run(int times, params Trial[] trials)
    {
        for (var time = 0; time < times; time++)
            await Round(trials[time % trials.Length]);
    }

    private async Task Round(Trial trial)
    {
        var jobs = await field.Running(Recipe.Holds, Jobs);
        var holder = field.Cluster.QueueHolder ?? throw new HarnessException("no silo has said that the queue is on it");
        var others = field.Cluster.Members.Where(member => member != holder).ToArray();
        var victim = trial is Trial.KillOfQueue or Trial.FreezeOfQueue ? holder : others[field.Random.Next(others.Length)];
        var lost = jobs.Where(job => WorkerOf(job) == victim.Name).ToArray();
        var name = trial switch
        {
            Trial.Kill => "silo killed",
            Trial.KillOfQueue => "silo with the queue killed",
            Trial.Freeze => "silo frozen",
            Trial.FreezeOfQueue => "silo with the queue frozen",
        };
        field.Tell($"{name}: {victim.Name}, with {lost.Length} of {Jobs} jobs");
        var processes = lost.Length > 0 && trial is Trial.Freeze or Trial.FreezeOfQueue ? BuildsOf(lost) : [];
        var isFrozen = trial is Trial.Freeze or Trial.FreezeOfQueue;

        var since = TimeProvider.System.GetTimestamp();
        if (isFrozen)
            victim.Silo!.Freeze();
        else
            await victim.Kill();
        if (isFrozen && processes.Count > 0)
            field.Figures.Time($"{name}: its builds are gone", await ProcessWatch.Gone(processes, since, Bound));
        await field.Until(() => lost.All(job => field.BeganFrom(job.Id!.Value, 2) is not null), $"{name}: jobs of {victim.Name} run elsewhere", () => field.Show(lost));
        TimeSpan[] times = [.. lost.Select(job => TimeProvider.System.GetElapsedTime(since, field.BeganFrom(job.Id!.Value, 2)!.Value))];
        foreach (var time in times)
            field.Figures.Time($"{name}: a job of it runs elsewhere", time);
        if (times.Length > 0)
            field.Figures.Time($"{name}: the last job of it runs elsewhere", times.Max());

        // Those of the others ran all the time, or run again.
        await field.Until(() => jobs.All(job => field.Cluster.Witness.AliveOf(job.Id!.Value).Count > 0), "every job runs", () => field.Show(jobs));
        field.Figures.Time($"{name}: every job of the cluster runs", TimeProvider.System.GetElapsedTime(since));
        var spared = jobs.Except(lost).Select(job => field.Records.Of(job.Id!.Value)!).ToArray();
        field.Figures.Count($"{name}: builds of the other silos that ended", spared.Count(job => job.EndedAttempts.Length > 0));
        field.Figures.Count($"{name}: attempts that they used up", spared.Sum(job => job.Lost));
        await Mend(victim, isFrozen);
        await field.Cancel(jobs);
        if (field.Mistakes.Count > 0)
            throw new HarnessException("something was found that must never be");
        field.Tell($"healed; {string.Join(", ", times.Order().Select(time => $"{time.TotalSeconds:0.0}"))} s");
    }

    private async Task Mend(Member victim, bool isFrozen)
    {
        if (isFrozen)
        {
            victim.Silo!.Thaw();
            await field.UntilCalm(Calm);
            return;
        }

        victim.Start();
        await field.Cluster.UntilWhole();
    }

    private IReadOnlyList<BuildProcess> BuildsOf(Submission[] jobs)
    {
        var numbers = jobs.Select(job => $"{job.Id}").ToHashSet();
        return [.. field.Cluster.Processes.Alive().Where(process => numbers.Contains(process.Job))];
    }

    private string? WorkerOf(Submission job) => field.Records.Of(job.Id!.Value)?.Worker;
}
