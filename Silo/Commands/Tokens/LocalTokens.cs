using System.Collections.Immutable;
using Builds.Users;

namespace Builds.Commands.Tokens;

/// <summary>Tokens in the database itself, while no server has it open.</summary>
internal sealed class LocalTokens(IGrainFactory grains, ITokenCatalogue catalogue, TimeProvider clock) : ITokens
{
    public async Task<string> Create(string user, ImmutableArray<string> scopes, int? days, CancellationToken cancellationToken)
    {
        var token = TokenText.Create();
        var expires = days is { } count ? clock.GetUtcNow().AddDays(count) : (DateTimeOffset?)null;
        // Who may open the database is an admin; as over HTTP, only a token for the admin himself carries his rights.
        await grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(token)))
            .Create(new TokenGrant(user, user == FirstStart.Admin, scopes, TokenText.Prefix(token), expires));
        return token;
    }

    public async Task<ImmutableArray<TokenModel>> List(string? user, CancellationToken cancellationToken) =>
        [.. (await catalogue.List(user, cancellationToken)).Select(TokenModel.From)];

    public async Task Revoke(string token, CancellationToken cancellationToken)
    {
        var meant = (await catalogue.List(user: null, cancellationToken)).Where(known => known.Id == token || known.Prefix == token).ToList();
        if (meant.Count == 0)
            throw new CommandException(ExitCode.CouldNotRun, $"there is no token '{token}': see 'builds token list'");
        if (meant.Count > 1)
            throw new CommandException(ExitCode.Usage, $"{meant.Count} tokens begin with {token}: revoke by id, one of {string.Join(", ", meant.Select(known => known.Id))}");
        await grains.GetGrain<ITokenGrain>(TokenText.GrainKey(meant[0].Id)).Revoke();
    }
}
