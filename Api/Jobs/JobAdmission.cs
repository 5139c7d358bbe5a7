using System.Collections.Concurrent;
using System.Globalization;
using Builds.Queue;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Builds.Jobs;

/// <summary>
/// Asks the queue whether an owner may have one more job waiting. The count is the queue's, so many doors share one; where the queue says
/// that there is no limit, it is not asked again for a minute. What a limit protects is comfort: a queue that does not answer lets in.
/// </summary>
internal sealed partial class JobAdmission(IGrainFactory grains, TimeProvider clock, ILogger<JobAdmission> logger)
{
    private static readonly TimeSpan UnlimitedFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, long> unlimited = [];

    /// <summary>Null: let in. Else the refusal. Only for a job that is to be queued.</summary>
    public async Task<IResult?> Refusal(HttpContext context, string owner, string pool)
    {
        if (unlimited.TryGetValue(pool, out var said) && clock.GetElapsedTime(said) < UnlimitedFor)
            return null;
        var admission = await Ask(owner, pool);
        if (admission is { Limit: null })
            unlimited[pool] = clock.GetTimestamp();
        if (admission is null or { Admitted: true })
            return null;

        context.Response.Headers.RetryAfter = RetryAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        return Problems.TooMany(
            $"~{owner} has {admission.Queued} jobs waiting in pool {pool}, and an owner may have {admission.Limit}: submit again when some of them have started, or cancel some");
    }

    private async Task<Admission?> Ask(string owner, string pool)
    {
        try
        {
            return await grains.GetGrain<IQueueGrain>(pool).Admit(owner);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            LogNotAnswered(error, pool);
            return null;
        }
    }

    [LoggerMessage(EventId = 2010, Level = LogLevel.Warning, Message = "The queue of pool {Pool} did not say whether its owner may queue a job; it is let in")]
    private partial void LogNotAnswered(Exception error, string pool);
}
