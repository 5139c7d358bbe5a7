namespace Builds.Health;

/// <summary>Whether this silo should be sent requests. The host knows: its silo, database and stores.</summary>
public interface IReadiness
{
    /// <summary>What is missing, one sentence each; empty when ready. Answers within a few seconds.</summary>
    Task<IReadOnlyList<string>> Missing(CancellationToken cancellationToken);
}
