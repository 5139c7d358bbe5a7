namespace Builds.Stores.S3;

/// <summary>
/// Writes one object of any size, which appears whole when <see cref="Complete"/> answers: in one write, or in parts where it is large. While the service cannot be reached it
/// waits, as its patience says. For one caller at a time.
/// </summary>
/// <param name="key">Nobody else writes it, or the same bytes.</param>
internal sealed class ObjectUpload(IBucket bucket, string key, StorePatience patience) : IAsyncDisposable
{
    /// <summary>A service takes 5 MiB to 5 GiB, and 10,000 of them.</summary>
    public const int PartSize = 8 << 20;

    private readonly string writer = BucketCalls.NewWriter();
    private readonly List<string> parts = [];
    private byte[] gathered = [];
    private int count;
    private string? upload;
    private bool isComplete;

    public async ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            if (count == PartSize)
                await SendPart(cancellationToken);
            var taken = Math.Min(PartSize - count, bytes.Length);
            if (gathered.Length < count + taken)
                Array.Resize(ref gathered, (int)Math.Min(PartSize, Math.Max(2L * gathered.Length, count + taken)));
            bytes[..taken].CopyTo(gathered.AsMemory(count));
            count += taken;
            bytes = bytes[taken..];
        }
    }

    public async ValueTask Complete(CancellationToken cancellationToken)
    {
        if (upload is null)
        {
            await patience.Until(() => PutWhole(cancellationToken), cancellationToken);
        }
        else
        {
            await SendPart(cancellationToken);
            await patience.Until(() => PutTogether(upload, cancellationToken), cancellationToken);
        }

        isComplete = true;
        KillPoint.Reached("bucket.completed");
    }

    /// <summary>Drops what was not completed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (isComplete || upload is null)
            return;
        try
        {
            await bucket.AbortUpload(key, upload, CancellationToken.None);
        }
        catch (IOException)
        {
            // The service cannot be reached; a rule of the bucket removes it some day (Silo/README.md). What is told is why it was not completed.
        }
    }

    private async ValueTask SendPart(CancellationToken cancellationToken)
    {
        await patience.Until(async () => upload ??= await bucket.BeginUpload(key, cancellationToken), cancellationToken);
        await patience.Until(async () => parts.Add(await bucket.PutPart(key, upload!, parts.Count + 1, gathered.AsMemory(0, count), cancellationToken)), cancellationToken);
        KillPoint.Reached("bucket.part-put");
        // Not used again: a call that was given up may still read it.
        gathered = new byte[PartSize];
        count = 0;
    }

    private async ValueTask PutWhole(CancellationToken cancellationToken)
    {
        if (!await bucket.PutNew(key, gathered.AsMemory(0, count), writer, cancellationToken) && await bucket.Find(key, cancellationToken) is var found && found?.Size != count)
            throw new IOException($"{key} in {bucket} should have {count} bytes, and has {found?.Size.ToString() ?? "none"}");
    }

    private async ValueTask PutTogether(string id, CancellationToken cancellationToken)
    {
        if (!await bucket.CompleteUpload(key, id, parts, cancellationToken) && await bucket.Find(key, cancellationToken) is null)
            throw new LostBytesException($"the upload of {key} to {bucket} cannot be completed, its parts are gone or changed: does a rule of the bucket remove uploads that are only hours old?");
    }
}
