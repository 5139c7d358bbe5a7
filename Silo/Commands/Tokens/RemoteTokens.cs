using System.Collections.Immutable;
using Builds.Commands.Client;
using Builds.Users;

namespace Builds.Commands.Tokens;

/// <summary>Tokens through the server that runs.</summary>
internal sealed class RemoteTokens(BuildsClient client) : ITokens
{
    public async Task<string> Create(string user, ImmutableArray<string> scopes, int? days, CancellationToken cancellationToken) =>
        (await client.Post<NewTokenModel>("/api/tokens", days is null ? new { user, scopes } : new { user, scopes, days }, cancellationToken)).Token;

    public async Task<ImmutableArray<TokenModel>> List(string? user, CancellationToken cancellationToken) =>
        (await client.Get<TokenList>("/api/tokens" + (user is null ? "" : $"?user={Uri.EscapeDataString(user)}"), cancellationToken)).Results;

    public Task Revoke(string token, CancellationToken cancellationToken) =>
        client.Send(HttpMethod.Delete, $"/api/tokens/{Uri.EscapeDataString(token)}", content: null, cancellationToken);
}
