using System.Collections.Immutable;
using System.Globalization;
using Builds.Benchmarks.Measuring;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;

namespace Builds.Benchmarks.Ceilings;

/// <summary>
/// The queue's book and all that it hears in the life of a job: the hints of its record, the worker's answer, and a heartbeat for as many
/// jobs as there are slots. As many come as go, so that what waits stays as long as it was.
/// </summary>
internal sealed class Book
{
    private const int Slots = 64;
    private const string Worker = "worker";

    private readonly QueueBook book;
    private readonly string[] owners;
    private readonly long begin = TimeProvider.System.GetTimestamp();
    private readonly List<QueueEffect.Dispatch> running = [];
    private int jobs;
    private long beats;

    public Book(int waiting, int owners)
    {
        var dispatches = 0L;
        book = new QueueBook(
            new LeaseOptions(), new QueueOptions(), TimeSpan.FromHours(1), Now, new AloneStanding(), () => string.Create(CultureInfo.InvariantCulture, $"benchmark-{++dispatches}"));
        this.owners = [.. Enumerable.Range(0, owners).Select(owner => string.Create(CultureInfo.InvariantCulture, $"owner-{owner}"))];
        for (var i = 0; i < waiting; i++)
            Submit();
    }

    private QueueTime Now => new(TimeProvider.System.GetElapsedTime(begin), TimeProvider.System.GetUtcNow());

    public Task<Rate> Measure(TimeSpan span) => Task.Run(() =>
    {
        var (started, processor, dispatched) = (TimeProvider.System.GetTimestamp(), ProcessorTime.Now, 0);
        do
            dispatched += Round();
        while (TimeProvider.System.GetElapsedTime(started) < span);
        return new Rate(dispatched, TimeProvider.System.GetElapsedTime(started), ProcessorTime.Now - processor, new Samples());
    });

    private int Round()
    {
        for (var i = 0; i < Slots; i++)
            Submit();
        running.Clear();
        Take(Beat());
        foreach (var dispatch in running)
        {
            book.Answered(dispatch, new RunResult(RunAnswer.Accepted, 1, beats), Now);
            book.Hint(Hint(dispatch.Job.Value, JobStatus.Running), Now);
            book.Hint(Hint(dispatch.Job.Value, JobStatus.Success), Now);
        }

        if (running.Count != Slots)
            throw new InvalidOperationException($"{running.Count} of {Slots} slots were given a job.");
        return running.Count;
    }

    private void Submit() => book.Hint(Hint(++jobs, JobStatus.Queued), Now);

    private ImmutableArray<QueueEffect> Beat()
    {
        book.Heartbeat(new Heartbeat(Worker, 1, ++beats, WorkerStatus.Ready, Slots, ["host"], []), Now);
        return book.TakeEffects();
    }

    private void Take(ImmutableArray<QueueEffect> effects) => running.AddRange(effects.Cast<QueueEffect.Dispatch>());

    private JobHint Hint(int job, JobStatus status) => new()
    {
        Id = new JobId(job),
        Owner = owners[job % owners.Length],
        Image = "host",
        Status = status,
        Attempt = status == JobStatus.Queued ? 0 : 1,
        QueuedAt = DateTimeOffset.UnixEpoch.AddMilliseconds(job),
        Revision = status switch { JobStatus.Queued => 1, JobStatus.Running => 2, _ => 3 },
        Worker = status == JobStatus.Queued ? null : Worker,
    };
}
