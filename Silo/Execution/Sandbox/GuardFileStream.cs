namespace Builds.Execution.Sandbox;

/// <summary>A file of a build cannot be read.</summary>
internal sealed class GuardFileException(string message, CommandEnd end) : IOException(message)
{
    public CommandEnd End { get; } = end;
}

/// <summary>The bytes of a file inside a sandbox, while the guard reads it with the rights of the build.</summary>
internal sealed class GuardFileStream(Guard guard, string path) : Stream
{
    private const int NotFound = 2, NotPermitted = 1, NotAllowed = 13, TooManyLinks = 40, NotAFile = 200;
    private ReadOnlyMemory<byte> _rest;
    private bool _ended;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Waits until the first bytes are there. Throws <see cref="GuardFileException"/> if there is nothing to read.</summary>
    public async Task Open() => await Fill();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.IsEmpty && !_ended) await Fill();
        var count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("A file in a sandbox is read asynchronously only.");

    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private async Task Fill()
    {
        GuardFrame frame;
        do frame = await guard.Next();
        while (frame.Kind is GuardFrameKind.Empty);
        if (frame.Kind == GuardFrameKind.Output)
        {
            _rest = frame.Payload;
            return;
        }
        _ended = true;
        var end = Guard.EndOf(frame);
        if (end is not CommandEnd.Exited(0)) throw new GuardFileException($"Artifact {path} cannot be kept: {Why(end)}", end);
    }

    private static string Why(CommandEnd end) => end switch
    {
        CommandEnd.Exited(NotFound) => "there is no such file",
        CommandEnd.Exited(NotPermitted or NotAllowed) => "the build may not read it",
        CommandEnd.Exited(TooManyLinks) => "its links lead in a circle",
        CommandEnd.Exited(NotAFile) => "it is not a regular file",
        CommandEnd.Exited(var error) => $"it cannot be read (error {error})",
        _ => "reading it was interrupted",
    };
}
