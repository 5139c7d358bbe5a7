using System.Collections.Immutable;

namespace Builds.Users;

/// <summary>
/// What the key <c>oauth</c> of a manifest asks for (contract/manifest section 10): grants <c>SERVICE/SCOPE[:RO|RW]</c> with blanks between
/// them, RO where none is said. Those of this service are scopes of its tokens.
/// </summary>
public static class OAuthGrants
{
    /// <summary>This service, as manifests for the original name it, and as they may.</summary>
    private static readonly ImmutableArray<string> Services = ["builds.sr.ht", Scopes.Client];

    /// <summary>The scopes for the grants that are asked for; null where one is no scope of this service.</summary>
    /// <param name="oauth">Of an accepted manifest.</param>
    public static ImmutableArray<(string Grant, Scope? Scope)> Read(string? oauth) =>
        [.. (oauth ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(grant => (grant, ScopeOf(grant)))];

    /// <summary>The scopes that a token for this manifest may have: each one that is asked for and that its submitter has himself.</summary>
    public static ImmutableArray<string> Granted(string? oauth, Caller submitter) =>
        [.. Read(oauth).Select(asked => asked.Scope?.ToString()).OfType<string>().Where(submitter.Covers).Distinct()];

    private static Scope? ScopeOf(string grant)
    {
        if (grant.Split('/') is not [var service, var rest] || !Services.Contains(service))
            return null;
        var write = rest.EndsWith(":RW", StringComparison.Ordinal);
        return rest.Split(':')[0] switch
        {
            "JOBS" => new Scope("jobs", write),
            // Logs are read with the jobs that they are of, and nobody writes them.
            "LOGS" => Scopes.JobsRead,
            "SECRETS" => new Scope("secrets", write),
            _ => null,
        };
    }
}
