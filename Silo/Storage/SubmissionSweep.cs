namespace Builds.Storage;

/// <summary>
/// Deletes the records of Idempotency-Keys that have expired: every hour, in steps that hold up nobody. An hour late, so that no grain
/// still holds the record in memory.
/// </summary>
internal sealed partial class SubmissionSweep(SqliteDatabase database, TimeProvider clock, ILogger<SubmissionSweep> logger) : BackgroundService
{
    internal const string Sql =
        "DELETE FROM storage WHERE rowid IN (SELECT rowid FROM storage INDEXED BY submission_expires WHERE state = 'submission' AND expires < @before ORDER BY expires LIMIT @step) RETURNING 1";

    internal static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private const int Step = 100;

    /// <summary>Deletes everything that is due now; how many records that were.</summary>
    public async Task<int> Run(CancellationToken cancellationToken)
    {
        var before = StateTime.Text(clock.GetUtcNow() - Interval);
        var all = 0;
        int deleted;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rows = await database.Write(new SqliteStatement(Sql, ("before", before), ("step", Step)));
            deleted = rows.Rows.Count;
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
