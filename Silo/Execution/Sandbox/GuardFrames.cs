using System.Net.Sockets;
using System.Text;

namespace Builds.Execution.Sandbox;

/// <summary>What the guard tells us (Init/init.c). The numbers are those of the wire.</summary>
internal enum GuardFrameKind
{
    Hello = 1,
    Output = 2,
    Exit = 3,
    /// <summary>After TERM: no process of the build is left.</summary>
    Empty = 4,
    /// <summary>Not on the wire: the line is closed.</summary>
    Closed = -1,
}

/// <param name="Payload">Valid until the next read.</param>
internal readonly record struct GuardFrame(GuardFrameKind Kind, ReadOnlyMemory<byte> Payload);

/// <summary>Writes frames for the guard: length of the payload, type, payload, numbers as the processor has them.</summary>
internal static class GuardFrames
{
    public const int Header = 8;
    private const int Lease = 1, Run = 2, Term = 3;
    private const int ReadsFile = 1, AsRoot = 2, WritesFile = 4, FindsRoom = 8, SyncsDisk = 16;

    public static byte[] RenewTo(TimeSpan leaseEnd)
    {
        var frame = new byte[Header + 8];
        BitConverter.TryWriteBytes(frame, 8);
        BitConverter.TryWriteBytes(frame.AsSpan(4), Lease);
        BitConverter.TryWriteBytes(frame.AsSpan(Header), Nanoseconds(leaseEnd));
        return frame;
    }

    public static byte[] Terminate()
    {
        var frame = new byte[Header];
        BitConverter.TryWriteBytes(frame.AsSpan(4), Term);
        return frame;
    }

    public static byte[] Start(GuardOrder order)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write(0);
        writer.Write(Run);
        writer.Write((order.ReadsFile ? ReadsFile : 0) | (order.AsRoot ? AsRoot : 0) | (order.WritesFile ? WritesFile : 0) | (order.FindsRoom ? FindsRoom : 0) | (order.SyncsDisk ? SyncsDisk : 0));
        writer.Write(order.Arguments.Count);
        writer.Write(order.Environment.Count);
        WriteWord(writer, order.Directory);
        foreach (var word in order.Arguments) WriteWord(writer, word);
        foreach (var (name, value) in order.Environment) WriteWord(writer, $"{name}={value}");
        writer.Flush();
        var frame = buffer.ToArray();
        BitConverter.TryWriteBytes(frame, frame.Length - Header);
        return frame;
    }

    public static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private static void WriteWord(BinaryWriter writer, string word)
    {
        if (word.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("A word of a command holds a NUL, which no program can be given.", nameof(word));
        writer.Write(Encoding.UTF8.GetBytes(word));
        writer.Write((byte)0);
    }
}

/// <summary>A command for the guard to start.</summary>
internal sealed record GuardOrder
{
    public required IReadOnlyList<string> Arguments { get; init; }
    public required string Directory { get; init; }
    public required IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; }
    /// <summary>No program: the only argument is a file whose content becomes the output, and the exit code is the errno.</summary>
    public bool ReadsFile { get; init; }
    /// <summary>No program: the arguments are a path, a mode in octal, and a text for the file there; the exit code is the errno.</summary>
    public bool WritesFile { get; init; }
    /// <summary>No program: the only argument is a directory; the exit code is 0 if its disk has room for a megabyte and sixteen files, else the errno.</summary>
    public bool FindsRoom { get; init; }
    /// <summary>No program: the only argument is a directory, all of whose disk is written out; the exit code is the errno, also of what could not be written since nobody was told.</summary>
    public bool SyncsDisk { get; init; }
    /// <summary>As root of the sandbox instead of the build's user; for drivers with <see cref="ISandboxDriver.HasRoot"/>.</summary>
    public bool AsRoot { get; init; }
}

/// <summary>Reads frames off the line to the guard; one reader at a time.</summary>
internal sealed class GuardReader(Socket socket)
{
    private const int MaxPayload = 65536;
    private readonly byte[] _buffer = new byte[GuardFrames.Header + MaxPayload + 4096];
    private int _start, _end;

    /// <summary>The next frame, or one of kind <see cref="GuardFrameKind.Closed"/> for ever when the line is at its end.</summary>
    public async ValueTask<GuardFrame> Next()
    {
        if (!await Fill(GuardFrames.Header)) return Closed;
        var size = BitConverter.ToInt32(_buffer, _start);
        var kind = (GuardFrameKind)BitConverter.ToInt32(_buffer, _start + 4);
        if (size is < 0 or > MaxPayload || !await Fill(GuardFrames.Header + size)) return Closed;
        var payload = _buffer.AsMemory(_start + GuardFrames.Header, size);
        _start += GuardFrames.Header + size;
        return new GuardFrame(kind, payload);
    }

    private static GuardFrame Closed => new(GuardFrameKind.Closed, default);

    private async ValueTask<bool> Fill(int count)
    {
        if (_start == _end) _start = _end = 0;
        if (_start + count > _buffer.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        while (_end - _start < count)
        {
            int received;
            try
            {
                received = await socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A guard that ends with our words unread resets the line: that is its end as well.
                return false;
            }
            if (received == 0) return false;
            _end += received;
        }
        return true;
    }
}
