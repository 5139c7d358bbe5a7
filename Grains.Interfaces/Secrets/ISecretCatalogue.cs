using System.Collections.Immutable;

namespace Builds.Secrets;

/// <summary>What can be asked about many secrets. Columns of the rows that the secret grains write, in the same commit.</summary>
public interface ISecretCatalogue
{
    /// <summary>All secrets of a user, oldest first, with their sealed values. At most <see cref="SecretRules.MostPerOwner"/>, or a few more.</summary>
    /// <param name="owner">Without the tilde.</param>
    /// <param name="cancellationToken">Ends the question.</param>
    Task<ImmutableArray<KeptSecret>> Of(string owner, CancellationToken cancellationToken);

    /// <summary>Every secret of everybody.</summary>
    Task<ImmutableArray<SecretKey>> All(CancellationToken cancellationToken);
}

/// <summary>A secret as it is stored.</summary>
/// <param name="Sealed">The value, for <see cref="ISecretVault.Open"/>.</param>
public sealed record KeptSecret(SecretInfo Info, string Sealed)
{
    // A record prints its parts; this one must not.
    public override string ToString() => $"secret {Info.Uuid} of {Info.Owner}";
}
