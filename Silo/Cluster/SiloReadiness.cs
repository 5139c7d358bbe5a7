using Builds.Health;
using Builds.Jobs;
using Builds.Stores;

namespace Builds.Cluster;

/// <summary>Ready is: the silo is active, does not drain, and its database and store answer.</summary>
internal sealed class SiloReadiness(ISiloStatusOracle silo, IHostApplicationLifetime lifetime, ICatalogue catalogue, IStoreHealth store, TimeProvider clock) : IReadiness
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Any id does: it is asked whether the database answers, not what.</summary>
    private static readonly JobId AnyJob = new(int.MaxValue);

    public async Task<IReadOnlyList<string>> Missing(CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        if (silo.CurrentStatus != SiloStatus.Active)
            missing.Add($"the silo is {silo.CurrentStatus}");
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            missing.Add("the silo drains");
        if (await DatabaseMistake(cancellationToken) is { } mistake)
            missing.Add(mistake);
        if (await store.Missing(cancellationToken) is { } trouble)
            missing.Add(trouble);
        return missing;
    }

    private async Task<string?> DatabaseMistake(CancellationToken cancellationToken)
    {
        try
        {
            await catalogue.FindOpen(AnyJob, cancellationToken).WaitAsync(Patience, clock, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            return $"the database does not answer within {Patience.TotalSeconds} s";
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return $"the database does not answer: {error.Message}";
        }
    }
}
