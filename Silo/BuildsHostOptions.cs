using Builds.Cluster;

namespace Builds;

/// <summary>What distinguishes one silo from another.</summary>
public sealed record BuildsHostOptions
{
    public const string DefaultUrls = "http://127.0.0.1:5080";

    /// <summary>The caller holds its lock.</summary>
    public required DataDirectory Data { get; init; }

    /// <summary>Where to listen, separated by semicolons; port 0 takes a free one.</summary>
    public string Urls { get; init; } = DefaultUrls;

    /// <summary>False: runs no builds.</summary>
    public bool Worker { get; init; } = true;

    /// <summary>Settings by their full name, above those of files and environment.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>The clock of grains and leases; null: the system's.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>Hears, in sentences for people, of what makes a start take long.</summary>
    public Action<string> Tell { get; init; } = _ => { };

    /// <summary>Has the last word on the services.</summary>
    public Action<IServiceCollection>? Configure { get; init; }

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLocal => Urls.Split(';', StringSplitOptions.RemoveEmptyEntries)
        .All(url => Uri.TryCreate(url, UriKind.Absolute, out var address) && address.IsLoopback);
}
