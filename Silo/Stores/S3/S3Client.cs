using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace Builds.Stores.S3;

/// <summary>The client of Amazon's library, as the stores need it.</summary>
internal static class S3Client
{
    /// <summary>Throws what the library throws where it knows no region.</summary>
    public static IAmazonS3 Create(StoreOptions options)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.ForcePathStyle,
            // Whoever waits for the store has a patience of its own, and tells of it. A repeated write on condition may find itself done: S3Bucket.PutNew.
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 1,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            // Bodies are signed whole, which covers them; services that are not Amazon's often know neither checksums behind the body nor its framing.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return new AmazonS3Client(config);
    }
}
