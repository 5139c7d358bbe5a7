namespace Builds.Logs;

/// <summary>A log without secrets. What may be the beginning of one is held back until more is written, or the log is flushed or sealed.</summary>
internal sealed class MaskedLog(LogWriter log, SecretMask mask) : IAsyncDisposable
{
    private MaskedOutput output = mask.Open();

    /// <summary>Hides these from now on, in a log of which nothing had to be hidden so far.</summary>
    public void Hide(SecretMask secrets) => output = secrets.Open();

    public ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => Pass(output.Write(bytes), cancellationToken);

    public async ValueTask Flush(CancellationToken cancellationToken)
    {
        await Pass(output.Finish(), cancellationToken);
        await log.Flush(cancellationToken);
    }

    public async ValueTask Seal(CancellationToken cancellationToken)
    {
        await Pass(output.Finish(), cancellationToken);
        await log.Seal(cancellationToken);
    }

    public ValueTask DisposeAsync() => log.DisposeAsync();

    private ValueTask Pass(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        bytes.IsEmpty ? default : log.Write(bytes, cancellationToken);
}
