using System.ComponentModel.DataAnnotations;

namespace Builds.Cluster;

/// <summary>
/// How silos of a cluster prove to each other that they belong to it. Without these settings whoever reaches the silo's port can call
/// every grain: then keep it on a private network.
/// </summary>
public sealed class SiloTlsOptions : IValidatableObject
{
    public const string Section = "Builds:Cluster:Tls";

    /// <summary>
    /// The certificate of this silo, a PEM file, shown to other silos whoever calls. A file that is
    /// replaced counts for the next connection. Default: none; silos talk without TLS.
    /// </summary>
    public string? Certificate { get; set; }

    /// <summary>The private key of <see cref="Certificate"/>, a PEM file without a password, readable by the silo's user alone.</summary>
    public string? Key { get; set; }

    /// <summary>
    /// The authority that signed the certificates of all silos, a PEM file of one certificate or more (old and new, while they change). Use
    /// one that signs for silos only: whoever holds a certificate of it is let in.
    /// </summary>
    public string? Ca { get; set; }

    /// <summary>How long the two sides may take to agree before the connection is given up. Default 10 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Handshake { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether silos talk by TLS.</summary>
    public bool IsOn => Given.All(given => given.IsGiven);

    private IEnumerable<(string Name, bool IsGiven)> Given =>
        new[] { (nameof(Certificate), Certificate), (nameof(Key), Key), (nameof(Ca), Ca) }.Select(file => (file.Item1, !string.IsNullOrWhiteSpace(file.Item2)));

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var missing = Given.Where(given => !given.IsGiven).Select(given => $"{Section}:{given.Name}").ToArray();
        if (missing.Length is 1 or 2)
            yield return new ValidationResult($"{string.Join(" and ", missing)} must be given too: TLS between silos needs Certificate, Key and Ca, or none of them");
    }
}
