using System.Text;

namespace Builds.Stores.S3;

/// <summary>The mark <c>store.json</c> of a bucket and prefix, and whether objects can be written there, on the conditions that the logs need.</summary>
/// <param name="probe">The name of an object of this silo's own.</param>
internal sealed class BucketHealth(IBucket bucket, string probe, TimeProvider clock) : IStoreHealth
{
    private static readonly byte[] Ready = [.. "ready"u8];

    private readonly StoreLook look = new($"{bucket}", () => bucket.Put(probe, Ready, CancellationToken.None), clock);

    /// <summary>Whether a silo of a cluster has ever used this place as its store.</summary>
    public static async Task<bool> IsStore(IBucket bucket, CancellationToken cancellationToken) => await bucket.Find(StoreMark.Name, cancellationToken) is not null;

    public async Task<string> StoreId(CancellationToken cancellationToken)
    {
        await CheckConditions(cancellationToken);
        if (await bucket.ReadSmall(StoreMark.Name, cancellationToken) is null)
        {
            // Of several silos that begin at once one writes, and all read that.
            await bucket.PutNew(StoreMark.Name, Encoding.UTF8.GetBytes(StoreMark.New()), BucketCalls.NewWriter(), cancellationToken);
        }

        var content = await bucket.ReadSmall(StoreMark.Name, cancellationToken) ?? throw new IOException($"{StoreMark.Name} was written and is not there");
        return StoreMark.IdIn(content, $"{bucket}/{StoreMark.Name}");
    }

    public Task<string?> Missing(CancellationToken cancellationToken) => look.Missing(cancellationToken);

    /// <summary>A service that ignores the condition would let a silo write on in logs that were taken from it.</summary>
    private async Task CheckConditions(CancellationToken cancellationToken)
    {
        var writer = BucketCalls.NewWriter();
        var tried = $"{probe}-{writer}";
        await bucket.PutNew(tried, Ready, writer, cancellationToken);
        var isWrittenTwice = await bucket.PutNew(tried, Ready, BucketCalls.NewWriter(), cancellationToken);
        var kept = (await bucket.Find(tried, cancellationToken))?.Writer;
        await bucket.Delete([tried], cancellationToken);
        if (isWrittenTwice)
            throw new IOException($"the S3 service of {bucket} writes an object that is there already although it was asked not to (If-None-Match: *). Two silos could then write one log: use a service that knows conditional writes, as Amazon's does, or a directory");
        if (kept != writer)
            throw new IOException($"the S3 service of {bucket} does not keep what is said with an object (x-amz-meta-writer). A write whose answer is lost could then not be told from another silo's: use a service that does, as Amazon's, or a directory");
    }
}
