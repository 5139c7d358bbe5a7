using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Builds.Triggers;

/// <summary>How e-mails and webhooks at the end of a job are delivered. The same for all silos of a cluster.</summary>
public sealed class TriggerOptions : IValidatableObject
{
    public const string Section = "Builds:Triggers";

    /// <summary>
    /// Addresses that webhooks may go to although they are private, this machine's or otherwise kept from builds' owners: networks or single
    /// addresses, separated by commas, for example 10.1.0.0/16,fd00:1::7. Default: none.
    /// </summary>
    public string AllowedAddresses { get; set; } = "";

    /// <summary>How long one try may take, from looking up the name to the answer. Default 10 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a delivery is tried that gets no answer. Default 8, which takes about five hours.</summary>
    [Range(1, 20)]
    public int MaxAttempts { get; set; } = 8;

    /// <summary>How long after the first try that got no answer the second one comes; each further one takes four times as long. Default 10 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan FirstRetry { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest time between two tries. Default 2 hours.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan LongestRetry { get; set; } = TimeSpan.FromHours(2);

    /// <summary>How many deliveries are under way at a time, in the whole cluster. Default 128.</summary>
    [Range(1, 1000)]
    public int Concurrency { get; set; } = 128;

    /// <summary>How many of them may be one owner's. Default 16.</summary>
    [Range(1, 1000)]
    public int PerOwner { get; set; } = 16;

    /// <summary>How many of them may go to one host, or to the mail server. Default 8.</summary>
    [Range(1, 1000)]
    public int PerTarget { get; set; } = 8;

    /// <summary>How often what is due is looked for, beyond what has just fired: tries that are to be repeated, and what a killed silo left. Default 15 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan Sweep { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary><see cref="AllowedAddresses"/>, in the order given.</summary>
    public ImmutableArray<IPNetwork> AllowedNetworks => [.. Written.Select(Network).OfType<IPNetwork>()];

    private IEnumerable<string> Written => AllowedAddresses.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => Written.Where(text => Network(text) is null).Select(text =>
        new ValidationResult($"{Section}:AllowedAddresses has '{text}': write a network such as 10.1.0.0/16, or a single address"));

    private static IPNetwork? Network(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
            return network;
        return IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;
    }
}
