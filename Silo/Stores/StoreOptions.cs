using System.ComponentModel.DataAnnotations;

namespace Builds.Stores;

/// <summary>
/// How a store <c>s3://BUCKET/PREFIX</c> is reached; a directory needs none of it. Credentials are no settings: they come from the environment
/// (<c>AWS_ACCESS_KEY_ID</c>, <c>AWS_SECRET_ACCESS_KEY</c>), a profile, or the role of the machine or container.
/// </summary>
public sealed class StoreOptions : IValidatableObject
{
    public const string Section = "Builds:Store";

    /// <summary>
    /// The address of the S3 service of a store <c>s3://…</c>, for example <c>https://minio.example.org</c>. Default: Amazon's, in <see cref="Region"/>.
    /// </summary>
    public string? Endpoint { get; set; }

    /// <summary>The region of the bucket, for example <c>eu-central-1</c>. Default: what <c>AWS_REGION</c> or the profile says; where there is an <see cref="Endpoint"/>, <c>us-east-1</c>.</summary>
    [RegularExpression("^[A-Za-z0-9-]{1,64}$", ErrorMessage = Section + ":Region must be the name of a region, for example eu-central-1")]
    public string? Region { get; set; }

    /// <summary>Whether the bucket's name goes into the path of addresses and not into the host's name: most services that are not Amazon's need true.</summary>
    public bool ForcePathStyle { get; set; }

    /// <summary>
    /// Whether callers fetch artifacts from the S3 service itself: the answer is then a redirect to an address that works for <see cref="PresignedFor"/>, for
    /// whoever has it. Callers must reach the service. Default: the silo passes them on.
    /// </summary>
    public bool PresignedDownloads { get; set; }

    /// <summary>How long an address of <see cref="PresignedDownloads"/> works. Default 5 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "12:00:00")]
    public TimeSpan PresignedFor { get; set; } = TimeSpan.FromMinutes(5);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Endpoint is null)
            yield break;
        // Without the value: somebody may have put a password into it.
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
            || address.UserInfo.Length > 0 || address.PathAndQuery != "/" || address.Fragment.Length > 0)
            yield return new ValidationResult($"{Section}:Endpoint must be the address of an S3 service with nothing behind it, for example https://minio.example.org:9000; the bucket is in --store, credentials are in the environment", [nameof(Endpoint)]);
    }
}
