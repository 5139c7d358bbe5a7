using System.Collections.Immutable;

namespace Builds.Users;

/// <summary>What a token must allow for a request.</summary>
/// <param name="Name">For example <c>jobs</c>.</param>
/// <param name="Write">False: reading is enough.</param>
public sealed record Scope(string Name, bool Write)
{
    public override string ToString() => $"{Name}:{(Write ? "write" : "read")}";
}

/// <summary>
/// The scopes of tokens (contract/rest section 1): <c>*</c>, or <c>[CLIENT/]NAME[:read|:write]</c>. Read is the default access, and
/// write implies read.
/// </summary>
public static class Scopes
{
    /// <summary>The name of this service in scopes that carry one: <c>builds/jobs:read</c>.</summary>
    public const string Client = "builds";

    public static readonly Scope JobsRead = new("jobs", Write: false);
    public static readonly Scope JobsWrite = new("jobs", Write: true);
    public static readonly Scope TokensRead = new("tokens", Write: false);
    public static readonly Scope TokensWrite = new("tokens", Write: true);

    public static readonly Scope WorkersRead = new("workers", Write: false);
    public static readonly Scope WorkersWrite = new("workers", Write: true);

    public static readonly Scope SecretsRead = new("secrets", Write: false);
    public static readonly Scope SecretsWrite = new("secrets", Write: true);

    private const string Everything = "*";
    private static readonly ImmutableArray<string> Names = ["jobs", "secrets", "tokens", "workers"];

    /// <summary>Whether a token with these scopes may do what needs <paramref name="scope"/>.</summary>
    public static bool Allow(this Caller caller, Scope scope) => caller.Scopes.Any(text => Grants(text, scope));

    /// <summary>Whether everything that <paramref name="text"/> allows is allowed to the caller already.</summary>
    public static bool Covers(this Caller caller, string text) =>
        caller.Scopes.Contains(Everything) || (Read(text) is { } scope && caller.Allow(scope));

    /// <summary>Null if the scope can be granted, else what is wrong with it.</summary>
    public static string? Mistake(string text)
    {
        if (text == Everything || (Read(text) is { } scope && Names.Contains(scope.Name)))
            return null;
        return $"unknown scope '{text}': it is *, or one of {string.Join(", ", Names)} followed by :read or :write, for example jobs:write";
    }

    private static bool Grants(string text, Scope needed) =>
        text == Everything || (Read(text) is { } scope && scope.Name == needed.Name && (scope.Write || !needed.Write));

    private static Scope? Read(string text)
    {
        var own = text.StartsWith(Client + "/", StringComparison.Ordinal) ? text[(Client.Length + 1)..] : text;
        return own.Split(':') switch
        {
            [var name] => new Scope(name, Write: false),
            [var name, "read"] => new Scope(name, Write: false),
            [var name, "write"] => new Scope(name, Write: true),
            _ => null,
        };
    }
}
