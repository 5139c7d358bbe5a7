using System.Collections.Immutable;

namespace Builds.Users;

/// <summary>What can be asked about many tokens. Columns of the rows that the token grains write, in the same commit.</summary>
public interface ITokenCatalogue
{
    /// <summary>All tokens, revoked and expired ones too, oldest first; with <paramref name="user"/> (without the tilde) that user's only.</summary>
    Task<ImmutableArray<TokenInfo>> List(string? user, CancellationToken cancellationToken);
}
