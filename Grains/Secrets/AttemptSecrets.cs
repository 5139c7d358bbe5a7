using System.Collections.Immutable;
using System.Data.Common;
using Builds.Jobs;
using Microsoft.Extensions.Logging;

namespace Builds.Secrets;

/// <summary>
/// Finds what a manifest names among the secrets of the job's owner, just before the build begins (contract/manifest section 10). Asks the
/// database itself: what was removed a moment ago is not used any more, whichever silo removed it.
/// </summary>
public sealed partial class AttemptSecrets(ISecretCatalogue catalogue, ISecretVault vault, TimeProvider clock, ILogger<AttemptSecrets> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// The secrets in the order of the manifest. While the database does not answer it is asked again, until <paramref name="cancellationToken"/>
    /// ends that. Throws <see cref="SecretSealedException"/> if one cannot be opened.
    /// </summary>
    /// <param name="job">Of its owner are the secrets.</param>
    /// <param name="references">UUIDs and names.</param>
    /// <param name="cancellationToken">The build is not wanted any more.</param>
    public async Task<SecretsResult> Find(JobSnapshot job, ImmutableArray<string> references, CancellationToken cancellationToken)
    {
        if (references.IsEmpty)
            return new SecretsResult.Found([]);
        while (true)
        {
            try
            {
                return await Resolve(await catalogue.Of(job.Owner, cancellationToken), references);
            }
            catch (Exception error) when (error is DbException or TimeoutException or IOException && !cancellationToken.IsCancellationRequested)
            {
                LogNotRead(error, job.Id);
            }

            await Task.Delay(RetryAfter, clock, cancellationToken);
        }
    }

    private async Task<SecretsResult> Resolve(ImmutableArray<KeptSecret> kept, ImmutableArray<string> references)
    {
        var found = ImmutableArray.CreateBuilder<BuildSecret>();
        foreach (var reference in references)
        {
            if (Choose(kept, reference) is not { } secret)
                return new SecretsResult.Missing(reference);
            found.Add(new BuildSecret(reference, secret.Info, await vault.Open(new SecretKey(secret.Info.Owner, secret.Info.Uuid), secret.Sealed)));
        }

        return new SecretsResult.Found(found.ToImmutable());
    }

    /// <summary>
    /// By UUID, else by name. Of several with one name the owner's own come before those that others shared with him, or anybody could put his
    /// own in place of them; then the oldest.
    /// </summary>
    internal static KeptSecret? Choose(ImmutableArray<KeptSecret> kept, string reference)
    {
        var uuid = SecretText.Uuid(reference);
        return kept.FirstOrDefault(secret => secret.Info.Uuid == uuid)
            ?? kept.Where(secret => secret.Info.Name == reference).OrderBy(secret => secret.Info.FromUser is not null).ThenBy(secret => secret.Info.Id).FirstOrDefault();
    }

    [LoggerMessage(EventId = 1803, Level = LogLevel.Warning, Message = "Job {JobId}: the secrets of its owner could not be read; they are asked for again")]
    private partial void LogNotRead(Exception error, JobId jobId);
}

/// <summary>What a manifest's references came to.</summary>
public abstract record SecretsResult
{
    private SecretsResult() { }

    public sealed record Found(ImmutableArray<BuildSecret> Secrets) : SecretsResult;

    /// <param name="Reference">The first one that names none of the owner's secrets.</param>
    public sealed record Missing(string Reference) : SecretsResult;
}
