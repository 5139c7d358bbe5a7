using Builds.Jobs;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>A drain, by the clock of this machine.</summary>
/// <param name="Began">Before it was asked for.</param>
/// <param name="Answered">After the answer.</param>
/// <param name="Resumed">Before the resume was asked for.</param>
internal sealed record DrainRace(string Worker, DateTimeOffset Began, DateTimeOffset Answered, DateTimeOffset Resumed);

/// <summary>
/// No job becomes a worker's between the answer to its drain and its resume. All silos are on this machine, so that the moments of the
/// claims in the jobs' records can be compared with those of the answers.
/// </summary>
internal static class DrainRaces
{
    /// <param name="races">In any order.</param>
    /// <param name="jobs">All of them, when they have ended.</param>
    /// <param name="ran">Whether an attempt of a job ever had a process.</param>
    /// <returns>What must not be; races in which a claim was made while the drain was under way; claims that came later, in vain.</returns>
    public static (IReadOnlyList<string> Mistakes, int Close, int InVain) Compare(IReadOnlyCollection<DrainRace> races, IEnumerable<JobState> jobs, Func<int, int, bool> ran)
    {
        var claims = jobs.SelectMany(job => job.Timeline.Where(entry => entry.Event == JobEventKind.Claimed).Select(entry => (Job: job, Entry: entry))).ToLookup(claim => claim.Entry.Worker);
        var mistakes = new List<string>();
        var (close, inVain) = (0, 0);
        foreach (var race in races)
        {
            close += claims[race.Worker].Any(claim => claim.Entry.At > race.Began && claim.Entry.At <= race.Answered) ? 1 : 0;
            foreach (var (job, entry) in claims[race.Worker].Where(claim => claim.Entry.At > race.Answered && claim.Entry.At < race.Resumed))
            {
                // The one exception: a claim that the database does not answer for two seconds is handed back, and never runs.
                if (!ran(job.Id.Value, entry.Attempt) && job.EndedAttempts.Any(ended => ended.Attempt == entry.Attempt))
                    inVain++;
                else
                    mistakes.Add($"job {job.Id} was claimed by {race.Worker} at {entry.At:O}, in attempt {entry.Attempt}; its drain was answered at {race.Answered:O}, and called off at {race.Resumed:O}");
            }
        }

        return (mistakes, close, inVain);
    }
}
