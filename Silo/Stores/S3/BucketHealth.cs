using System.Security.Cryptography;
using System.Text.Json;

namespace Builds.Stores.S3;

/// <summary>The mark <c>store.json</c> of a bucket and prefix, and whether objects can be written there, on the conditions that the logs need.</summary>
/// <param name="probe">The name of an object of this silo's own.</param>
internal sealed class BucketHealth(IBucket bucket, string probe, TimeProvider clock) : IStoreHealth
{
    private const string Mark = "store.json";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock gate = new();
    private Task? looking;

    /// <summary>Whether a silo of a cluster has ever used this place as its store.</summary>
    public static async Task<bool> IsStore(IBucket bucket, CancellationToken cancellationToken) => await bucket.Find(Mark, cancellationToken) is not null;

    public async Task<string> StoreId(CancellationToken cancellationToken)
    {
        await CheckConditions(cancellationToken);
        if (await bucket.ReadSmall(Mark, cancellationToken) is null)
        {
            // Of several silos that begin at once one writes, and all read that.
            await bucket.PutNew(Mark, JsonSerializer.SerializeToUtf8Bytes(new StoreMark($"{Guid.NewGuid():N}")), NewName(), cancellationToken);
        }

        var content = await bucket.ReadSmall(Mark, cancellationToken) ?? throw new IOException($"{Mark} was written and is not there");
        try
        {
            if (JsonSerializer.Deserialize<StoreMark>(content)?.Id is { Length: > 0 } id)
                return id;
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw new IOException($"{bucket}/{Mark} does not say which store this is; it holds {{\"Id\":\"...\"}} in a store that is whole");
    }

    public async Task<string?> Missing(CancellationToken cancellationToken)
    {
        Task look;
        lock (gate)
        {
            // One at a time: what hangs is not asked again.
            if (looking is not { IsCompleted: false })
                looking = bucket.Put(probe, "ready"u8.ToArray(), CancellationToken.None);
            look = looking;
        }

        try
        {
            await look.WaitAsync(Patience, clock, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            return $"the store {bucket} does not answer within {Patience.TotalSeconds} s";
        }
        catch (IOException error)
        {
            return $"the store {bucket} cannot be written: {error.Message}";
        }
    }

    /// <summary>A service that ignores the condition would let a silo write on in logs that were taken from it.</summary>
    private async Task CheckConditions(CancellationToken cancellationToken)
    {
        var (tried, writer) = ($"{probe}-{NewName()}", NewName());
        await bucket.PutNew(tried, "ready"u8.ToArray(), writer, cancellationToken);
        var isWrittenTwice = await bucket.PutNew(tried, "ready"u8.ToArray(), NewName(), cancellationToken);
        var kept = (await bucket.Find(tried, cancellationToken))?.Writer;
        await bucket.Delete([tried], cancellationToken);
        if (isWrittenTwice)
            throw new IOException($"the S3 service of {bucket} writes an object that is there already although it was asked not to (If-None-Match: *). Two silos could then write one log: use a service that knows conditional writes, as Amazon's does, or a directory");
        if (kept != writer)
            throw new IOException($"the S3 service of {bucket} does not keep what is said with an object (x-amz-meta-writer). A write whose answer is lost could then not be told from another silo's: use a service that does, as Amazon's, or a directory");
    }

    private static string NewName() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    private sealed record StoreMark(string Id);
}
