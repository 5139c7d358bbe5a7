using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Queue;
using Microsoft.Extensions.Logging;

namespace Builds.Workers;

/// <summary>
/// Brings together what workers say of themselves and what the queues know of them. All are asked at the same time, and none keeps an
/// operator waiting: he looks here when something is broken.
/// </summary>
internal sealed partial class WorkerViews(IGrainFactory grains, IWorkerRoster roster, ICatalogue catalogue, TimeProvider clock, ILogger<WorkerViews> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>All workers that answer or that a queue knows, by name.</summary>
    public async Task<ImmutableArray<WorkerModel>> All(CancellationToken cancellationToken)
    {
        var reports = await Reports(cancellationToken);
        var pools = Pools(reports, await Ask("the catalogue", () => OpenPools(cancellationToken), cancellationToken) ?? []);
        var now = clock.GetUtcNow();
        var known = (await Task.WhenAll(pools.Select(pool => Ask($"the queue of {pool}", () => Queue(pool).Summary(), cancellationToken))))
            .OfType<QueueSummary>().SelectMany(queue => queue.Workers.Select(worker => (queue.Pool, Worker: worker, Heard: now - worker.Silence)))
            // A worker that was moved to another pool is known to its old queue too, as lost.
            .GroupBy(view => view.Worker.Name, StringComparer.Ordinal).ToDictionary(views => views.Key, views => views.MaxBy(view => view.Heard), StringComparer.Ordinal);

        var answered = reports.Select(report => report.Name).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. reports.Select(report => WorkerModel.From(report, known.TryGetValue(report.Name, out var view) ? view.Heard : null))
                .Concat(known.Values.Where(view => !answered.Contains(view.Worker.Name)).Select(view => WorkerModel.From(view.Worker, view.Pool, view.Heard)))
                .OrderBy(worker => worker.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>Every pool that has a worker or an open job, by name. A queue or a catalogue that does not answer is an error: figures with a gap mislead.</summary>
    public async Task<ImmutableArray<QueueSummary>> Queues(CancellationToken cancellationToken)
    {
        var pools = Pools(await Reports(cancellationToken), await OpenPools(cancellationToken));
        return [.. await Task.WhenAll(pools.Select(pool => Queue(pool).Summary().WaitAsync(Patience, clock, cancellationToken)))];
    }

    private static ImmutableArray<string> Pools(IEnumerable<WorkerReport> reports, IEnumerable<string> open) =>
        [.. reports.Select(report => report.Pool).Concat(open).Append(Placement.DefaultPool).Distinct().Order(StringComparer.Ordinal)];

    private async Task<string[]> OpenPools(CancellationToken cancellationToken) => [.. await catalogue.Pools(cancellationToken)];

    private async Task<ImmutableArray<WorkerReport>> Reports(CancellationToken cancellationToken) =>
    [
        .. (await Task.WhenAll(roster.Silos.Select(name => Ask($"worker {name}", () => grains.GetGrain<IWorkerGrain>(name).Status(), cancellationToken)))).OfType<WorkerReport>(),
    ];

    private IQueueGrain Queue(string pool) => grains.GetGrain<IQueueGrain>(pool);

    /// <summary>Null if there is no answer in time. What is missing in the picture shows that.</summary>
    private async Task<T?> Ask<T>(string whom, Func<Task<T>> call, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await call().WaitAsync(Patience, clock, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            LogNoAnswer(error, whom);
            return null;
        }
    }

    [LoggerMessage(EventId = 1114, Level = LogLevel.Debug, Message = "No answer from {Whom}; the list of workers goes without")]
    private partial void LogNoAnswer(Exception error, string whom);
}
