using Builds.Jobs;

namespace Builds.Tests.Chaos;

/// <summary>
/// No job waits for over a second while a slot is free that it could have, whoever else reads or searches meanwhile. Only the first in line
/// is looked at, whom nobody may overtake; jobs here are all of one owner, image and pool. Pure; fed with looks.
/// </summary>
internal sealed class DispatchWatch(Action<string> mistaken)
{
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    /// <summary>Looks that took longer, or are further apart, prove nothing: then the machine, and not the queue, may have had no time.</summary>
    public static readonly TimeSpan Dense = TimeSpan.FromMilliseconds(400);

    private (int Job, int Revision)? first;
    private TimeSpan since, last;
    private bool isTold;

    /// <summary>The longest that the first in line was seen to wait beside a free slot.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>The most slots that were ever seen free.</summary>
    public int MostFree { get; private set; }

    /// <summary>How many looks were quick enough to prove anything.</summary>
    public int Looks { get; private set; }

    /// <param name="began">When the look began, from any beginning.</param>
    /// <param name="ended">When it ended.</param>
    /// <param name="records">All jobs.</param>
    /// <param name="free">Slots that are free at workers which take jobs, by their own words.</param>
    public void Look(TimeSpan began, TimeSpan ended, IEnumerable<JobState> records, int free)
    {
        var waiting = records.Where(job => job.Status == JobStatus.Queued).OrderByDescending(job => job.Priority).ThenBy(job => job.QueuedAt).ThenBy(job => job.Id).FirstOrDefault();
        var now = waiting is null || free == 0 ? ((int, int)?)null : (waiting.Id.Value, waiting.Revision);
        var isDense = ended - began <= Dense && began - last <= Dense;
        last = ended;
        Looks += isDense ? 1 : 0;
        MostFree = Math.Max(MostFree, free);
        if (now is null || now != first || !isDense)
        {
            (first, since, isTold) = (now, ended, false);
            return;
        }

        // Seen at both ends, and never away: between the end of the first look and the beginning of this one.
        var waited = began - since;
        Longest = waited > Longest ? waited : Longest;
        if (waited <= Bound || isTold)
            return;
        isTold = true;
        mistaken($"job {waiting!.Id} is the first in line, and has waited for {waited.TotalSeconds:0.0} s while {free} slots were free");
    }
}
