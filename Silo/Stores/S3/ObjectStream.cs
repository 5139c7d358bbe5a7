namespace Builds.Stores.S3;

/// <summary>Reads an object from wherever it is asked to, a window of some megabytes at a time: nothing of it is fetched that is far from what is read.</summary>
internal sealed class ObjectStream(IBucket bucket, string key, long size) : Stream
{
    private const int FirstWindow = 256 << 10;
    private const int LargestWindow = 4 << 20;
    private const int MostTries = 3;

    private byte[] window = [];
    private long begin;
    private int nextWindow = FirstWindow;

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => size;
    public override long Position { get; set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position >= size || buffer.IsEmpty)
            return 0;
        if (Position < begin || Position >= begin + window.Length)
            await Fetch(cancellationToken);
        var available = window.AsMemory((int)(Position - begin));
        available = available[..Math.Min(available.Length, buffer.Length)];
        available.CopyTo(buffer);
        Position += available.Length;
        return available.Length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => size + offset,
    };

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("what lies on another machine is read without blocking a thread: ReadAsync");

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private async Task Fetch(CancellationToken cancellationToken)
    {
        // Who reads on gets more at a time.
        nextWindow = Position == begin + window.Length ? Math.Min(nextWindow * 2, LargestWindow) : FirstWindow;
        for (var tries = 1; ; tries++)
        {
            var bytes = new byte[Math.Min(nextWindow, size - Position)];
            try
            {
                if (await bucket.Read(key, Position, bytes, cancellationToken) != bytes.Length)
                    throw new FileNotFoundException($"{key} is gone from {bucket} while it was read");
                (window, begin) = (bytes, Position);
                return;
            }
            catch (IOException error) when (tries < MostTries && error is not FileNotFoundException)
            {
                // A download of minutes is not to end because of one answer.
            }
        }
    }
}
