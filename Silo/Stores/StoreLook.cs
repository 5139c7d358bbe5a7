namespace Builds.Stores;

/// <summary>Looks whether a store can be written. One look at a time: what hangs is not asked again, or each question would cost a thread or a call.</summary>
/// <param name="store">Its name, for people.</param>
/// <param name="look">Writes there.</param>
internal sealed class StoreLook(string store, Func<Task> look, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock gate = new();
    private Task? looking;

    /// <summary>As <see cref="IStoreHealth.Missing"/>.</summary>
    public async Task<string?> Missing(CancellationToken cancellationToken)
    {
        Task current;
        lock (gate)
        {
            if (looking is not { IsCompleted: false })
                looking = look();
            current = looking;
        }

        try
        {
            await current.WaitAsync(Patience, clock, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            return $"the store {store} does not answer within {Patience.TotalSeconds} s";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"the store {store} cannot be written: {error.Message}";
        }
    }
}
