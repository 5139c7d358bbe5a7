namespace Builds.Storage;

/// <summary>
/// Deletes the records of Idempotency-Keys that have expired: every hour, in steps that hold up nobody. An hour late, so that no grain
/// still holds the record in memory.
/// </summary>
internal sealed partial class SubmissionSweep(IExpiredSubmissions submissions, TimeProvider clock, ILogger<SubmissionSweep> logger) : BackgroundService
{
    internal static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private const int Step = 100;

    /// <summary>Deletes everything that is due now; how many records that were.</summary>
    public async Task<int> Run(CancellationToken cancellationToken)
    {
        var before = clock.GetUtcNow() - Interval;
        var all = 0;
        int deleted;
        do
        {
            deleted = await submissions.Delete(before, Step, cancellationToken);
            all += deleted;
        }
        while (deleted == Step);
        return all;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                var deleted = await Run(stoppingToken);
                if (deleted > 0)
                    LogSwept(deleted);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // Too many records do no harm; the next round gets them.
                LogFailed(error);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 1700, Level = LogLevel.Information, Message = "Deleted {Count} expired idempotency keys")]
    private partial void LogSwept(int count);

    [LoggerMessage(EventId = 1701, Level = LogLevel.Warning, Message = "Expired idempotency keys were not deleted; the next try is in an hour")]
    private partial void LogFailed(Exception error);
}

/// <summary>The step of the sweep, which is the database's own.</summary>
internal interface IExpiredSubmissions
{
    /// <summary>Deletes the records that expired before a time, oldest first, at most so many in one commit; how many that were.</summary>
    Task<int> Delete(DateTimeOffset before, int limit, CancellationToken cancellationToken);
}
