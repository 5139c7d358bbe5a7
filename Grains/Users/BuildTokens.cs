using Builds.Jobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Users;

/// <summary>Tokens that builds get because their manifest asks for one, and their submitter may grant it.</summary>
public sealed partial class BuildTokens(IGrainFactory grains, IOptions<JobOptions> options, TimeProvider clock, ILogger<BuildTokens> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>The end of a build does not wait longer for the end of its token, which comes by itself with the deadline.</summary>
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The text of a new token, which is good until the job must have ended; null if the job is to have none. While it cannot be stored
    /// that is tried again, until <paramref name="cancellationToken"/> ends it.
    /// </summary>
    public async Task<string?> Grant(JobSnapshot job, CancellationToken cancellationToken)
    {
        if (!job.Secrets || job.Grants.IsEmpty)
            return null;
        var token = TokenText.Create();
        var grant = new TokenGrant(job.Owner, IsAdmin: false, job.Grants, TokenText.Prefix(token), clock.GetUtcNow() + options.Value.Timeout);
        while (true)
        {
            try
            {
                await Grain(token).Create(grant);
                return token;
            }
            catch (Exception error)
            {
                LogNotGranted(error, job.Id);
            }

            await Task.Delay(RetryAfter, clock, cancellationToken);
        }
    }

    /// <summary>Ends it, and leaves nothing of it: else every build would add a line to its owner's list. A token that could not be ended ends with its time.</summary>
    public async Task End(JobSnapshot job, string? token)
    {
        if (token is null)
            return;
        try
        {
            await Grain(token).Remove().WaitAsync(EndWithin, clock);
        }
        catch (Exception error)
        {
            LogNotEnded(error, job.Id);
        }
    }

    private ITokenGrain Grain(string token) => grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(token)));

    [LoggerMessage(EventId = 1804, Level = LogLevel.Warning, Message = "Job {JobId}: its token could not be stored; it is tried again")]
    private partial void LogNotGranted(Exception error, JobId jobId);

    [LoggerMessage(EventId = 1805, Level = LogLevel.Warning, Message = "Job {JobId}: its token may not have ended; it ends with its time")]
    private partial void LogNotEnded(Exception error, JobId jobId);
}
