using System.Collections.Immutable;
using Builds.Users;

namespace Builds.Commands.Tokens;

/// <summary>The tokens of a server, whether it runs or not.</summary>
internal interface ITokens
{
    /// <summary>Makes a token and answers its text, once.</summary>
    Task<string> Create(string user, ImmutableArray<string> scopes, int? days, CancellationToken cancellationToken);

    Task<ImmutableArray<TokenModel>> List(string? user, CancellationToken cancellationToken);

    /// <param name="token">An id, or the first 8 characters of the text.</param>
    Task Revoke(string token, CancellationToken cancellationToken);
}
