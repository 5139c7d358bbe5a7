using System.Net;
using Amazon.Runtime;

namespace Builds.Stores.S3;

/// <summary>Turns what the library throws into sentences that say what to do. They hold no credentials: neither do the service's answers that are quoted.</summary>
internal static class S3Mistakes
{
    /// <summary>Whether a call to the service failed, as opposed to one that was cancelled or is a bug.</summary>
    public static bool IsOfService(Exception error) => error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException;

    public static IOException Of(Exception error, StoreLocation.Bucket place, StoreOptions options)
    {
        var at = options.Endpoint is { } endpoint ? $" at {endpoint}" : options.Region is { } region ? $" in {region}" : "";
        return new IOException(error is AmazonServiceException { StatusCode: not default(HttpStatusCode) } answer ? Answered(answer, place, at) : Unanswered(error, place, at), error);
    }

    private static string Answered(AmazonServiceException error, StoreLocation.Bucket place, string at) => (error.ErrorCode, error.StatusCode) switch
    {
        ("NoSuchBucket", _) => $"there is no bucket '{place.Name}'{at}. Create it, or correct --store or Builds:Store:Endpoint",
        ("InvalidAccessKeyId" or "InvalidToken" or "ExpiredToken" or "TokenRefreshRequired", _) =>
            $"the S3 service{at} does not accept the credentials ({error.ErrorCode}): the access key is unknown, or its session is over. Renew AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role",
        ("SignatureDoesNotMatch", _) => $"the S3 service{at} does not accept the signature (SignatureDoesNotMatch): the secret key is not that of the access key. Correct AWS_SECRET_ACCESS_KEY or the profile",
        ("RequestTimeTooSkewed" or "RequestExpired" or "RequestInTheFuture", _) =>
            $"the clock of this machine is too far from that of the S3 service{at} ({error.ErrorCode}). Set it by NTP",
        ("AuthorizationHeaderMalformed" or "PermanentRedirect" or "IllegalLocationConstraintException" or "TemporaryRedirect", _) or (_, HttpStatusCode.MovedPermanently) =>
            $"the bucket '{place.Name}' is in another region than asked{at} ({error.ErrorCode}). Set Builds:Store:Region to the bucket's",
        (_, HttpStatusCode.Forbidden) =>
            $"access to {place}{at} is denied ({error.ErrorCode}). The credentials need s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on what is below the prefix",
        _ => $"the S3 service of {place}{at} answers {(int)error.StatusCode} {error.ErrorCode}: {error.Message}",
    };

    private static string Unanswered(Exception error, StoreLocation.Bucket place, string at)
    {
        if (error.Message.Contains("credentials", StringComparison.OrdinalIgnoreCase))
            return $"there are no credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or a profile (AWS_PROFILE), or give the machine a role";
        if (error.Message.Contains("RegionEndpoint", StringComparison.Ordinal))
            return $"it is not known in which region {place} is: set Builds:Store:Region, or Builds:Store:Endpoint where the service is not Amazon's";
        return $"the S3 service of {place}{at} cannot be reached: {(error.InnerException ?? error).Message}";
    }
}
