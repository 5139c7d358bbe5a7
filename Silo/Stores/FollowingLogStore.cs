using System.Collections.Concurrent;
using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Logs;

namespace Builds.Stores;

/// <summary>
/// A store that many silos share, with readers that are woken by what other silos write: the silo of the attempt's worker is asked to say when there is
/// more (<see cref="ILogTailGrain"/>). While it does not answer, the store itself is looked at four times a second, so that nothing in it stays unseen.
/// </summary>
internal sealed partial class FollowingLogStore(ILogStore shared, IGrainFactory grains, string siloName, TimeProvider clock, ILogger<FollowingLogStore> logger) : ILogStore
{
    /// <summary>Between two looks while nobody tells.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a silo that did not answer is not asked again.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private const int MostWorkers = 10_000;

    private readonly ConcurrentDictionary<(JobId, int), string> workers = new();
    private readonly ConcurrentDictionary<string, long> silent = new();

    public Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken) => shared.Create(job, attempt, task, cancellationToken);

    public Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken) => shared.Close(job, attempt, cancellationToken);

    public Task Delete(JobId job, CancellationToken cancellationToken) => shared.Delete(job, cancellationToken);

    public Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken) => shared.Find(job, attempt, task, cancellationToken);

    public ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        shared.Read(job, attempt, task, offset, buffer, cancellationToken);

    public async Task<LogState> WaitForMore(JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken)
    {
        for (var wasTold = false; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await shared.Find(job, attempt, task, cancellationToken) is { } state && (state.Length > knownLength || state.Sealed))
                return state;
            var worker = await WorkerOf(job, attempt, cancellationToken);
            // Told of more that is not to be seen: a directory that is shared over a network may show it late.
            if (worker is not null && worker != siloName && !IsSilent(worker) && !wasTold)
            {
                wasTold = await Tells(worker, job, attempt, task, knownLength, cancellationToken);
                continue;
            }

            // Also on the worker's own silo now and then: another one may have given the attempt up.
            await shared.WaitUpTo(job, attempt, task, knownLength, worker == siloName ? ILogTailGrain.LongestWait : Look, clock, cancellationToken);
            wasTold = false;
        }
    }

    /// <summary>True as soon as the worker's silo says that there is more; false when it is time to look for oneself.</summary>
    private async Task<bool> Tells(string worker, JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        try
        {
            if (await grains.GetGrain<ILogTailGrain>(worker).WaitForMore(job, attempt, task, knownLength, ILogTailGrain.LongestWait, cancellationToken) is not null)
                return true;
            // Who has nothing to say before the time is over is about to leave.
            if (clock.GetElapsedTime(began) < Look)
                silent[worker] = clock.GetTimestamp();
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // Dead, frozen or cut off: it does not matter which, the store has all that it showed.
            silent[worker] = clock.GetTimestamp();
            LogSilent(worker, error.Message);
        }

        return false;
    }

    private bool IsSilent(string worker) => silent.TryGetValue(worker, out var since) && clock.GetElapsedTime(since) < Silence;

    /// <summary>Null while it is not known: the record cannot be read, or is of another attempt.</summary>
    private async Task<string?> WorkerOf(JobId job, int attempt, CancellationToken cancellationToken)
    {
        if (workers.TryGetValue((job, attempt), out var known))
            return known;
        try
        {
            var record = await grains.GetGrain<IJobGrain>(job.Value).Get().WaitAsync(Silence, clock, cancellationToken);
            if (record is not { Worker: { } worker } || record.Attempt != attempt)
                return null;
            // An attempt has one worker for ever, so what is forgotten here is only asked for again.
            if (workers.Count >= MostWorkers)
                workers.Clear();
            return workers[(job, attempt)] = worker;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            LogUnknown(job, attempt, error.Message);
            return null;
        }
    }

    [LoggerMessage(EventId = 1503, Level = LogLevel.Debug, Message = "Silo {WorkerId} does not tell about its logs, the store is looked at instead: {Mistake}")]
    private partial void LogSilent(string workerId, string mistake);

    [LoggerMessage(EventId = 1504, Level = LogLevel.Debug, Message = "Job {JobId}, attempt {Attempt}: who writes its logs is not known, the store is looked at instead: {Mistake}")]
    private partial void LogUnknown(JobId jobId, int attempt, string mistake);
}
