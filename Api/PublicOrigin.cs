using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace Builds;

/// <summary>What the front door must be told.</summary>
public sealed class ApiOptions
{
    public const string Section = "Builds:Api";

    /// <summary>
    /// The address under which callers reach this service, for example <c>https://builds.example.org</c>; it goes into every link.
    /// Default: the first address that the service listens on.
    /// </summary>
    public string? Origin { get; set; }
}

/// <summary>Makes the addresses that stand in answers.</summary>
public sealed class PublicOrigin(IServer server, IOptions<ApiOptions> options)
{
    /// <summary>Without a slash at the end.</summary>
    public string Value => (options.Value.Origin ?? Listening).TrimEnd('/');

    public string Job(string owner, Jobs.JobId job) => $"{Value}/~{owner}/job/{job}";

    public string SetupLog(Jobs.JobId job) => $"{Value}/logs/{job}/log";

    public string TaskLog(Jobs.JobId job, string task) => $"{Value}/logs/{job}/{Uri.EscapeDataString(task)}/log";

    public string Artifact(string owner, Jobs.JobId job, string key, string name) =>
        $"{Value}/artifacts/~{owner}/{job}/{key}/{Uri.EscapeDataString(name)}";

    /// <summary>
    /// The first address that the service listens on, as this machine calls it. Known only once it listens, since it may choose the
    /// port itself; a wildcard is no address to call.
    /// </summary>
    public string Listening
    {
        get
        {
            var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()
                ?? throw new InvalidOperationException("the service listens nowhere yet, so its address is unknown: set an origin");
            return address
                .Replace("//[::]", "//localhost", StringComparison.Ordinal)
                .Replace("//0.0.0.0", "//localhost", StringComparison.Ordinal)
                .Replace("//*", "//localhost", StringComparison.Ordinal)
                .Replace("//+", "//localhost", StringComparison.Ordinal);
        }
    }
}
