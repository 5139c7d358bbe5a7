using System.Security.Cryptography;

namespace Builds.Stores.S3;

/// <summary>What is made of several calls.</summary>
internal static class BucketCalls
{
    private const int FirstRead = 4096;

    /// <summary>A name for <see cref="IBucket.PutNew"/> that nobody else has.</summary>
    public static string NewWriter() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>All of an object that is read at once; null if there is none.</summary>
    public static async Task<byte[]?> ReadSmall(this IBucket bucket, string key, CancellationToken cancellationToken)
    {
        for (var size = FirstRead; ; size *= 4)
        {
            var buffer = new byte[size];
            if (await bucket.Read(key, 0, buffer, cancellationToken) is not { } count)
                return null;
            if (count < size)
                return buffer[..count];
        }
    }

    /// <summary>Deletes every object whose key begins so, also those of an upload that had just ended. Throws <see cref="IOException"/> if something is left.</summary>
    public static async Task DeleteAll(this IBucket bucket, string prefix, CancellationToken cancellationToken)
    {
        while (await bucket.List(prefix, null, cancellationToken) is { Objects: { Count: > 0 } objects })
        {
            await bucket.Delete([.. objects.Select(found => found.Key)], cancellationToken);
            KillPoint.Reached("bucket.deleted");
        }
    }
}
