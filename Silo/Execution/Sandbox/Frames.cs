using System.Net.Sockets;

namespace Builds.Execution.Sandbox;

/// <summary>One message of a line between processes of this machine.</summary>
/// <param name="Payload">Valid until the next read.</param>
internal readonly record struct Frame(int Kind, ReadOnlyMemory<byte> Payload)
{
    /// <summary>One of the numbers that a payload begins with; 0 where it is too short for it.</summary>
    public int Word(int index) => Frames.Word(Payload, index);
}

/// <summary>Writes frames: length of the payload, kind, payload, numbers as the processor has them.</summary>
internal static class Frames
{
    public const int Header = 8;

    public static byte[] Of(int kind, ReadOnlySpan<int> words, ReadOnlySpan<byte> bytes = default)
    {
        var head = words.Length * sizeof(int);
        var frame = new byte[Header + head + bytes.Length];
        BitConverter.TryWriteBytes(frame, head + bytes.Length);
        BitConverter.TryWriteBytes(frame.AsSpan(sizeof(int)), kind);
        for (var i = 0; i < words.Length; i++) BitConverter.TryWriteBytes(frame.AsSpan(Header + i * sizeof(int)), words[i]);
        bytes.CopyTo(frame.AsSpan(Header + head));
        return frame;
    }

    public static int Word(ReadOnlyMemory<byte> payload, int index) => payload.Length >= (index + 1) * sizeof(int) ? BitConverter.ToInt32(payload.Span[(index * sizeof(int))..]) : 0;
}

/// <summary>Reads frames off a line; one reader at a time.</summary>
internal sealed class FrameReader(Socket socket)
{
    private const int MaxPayload = 65536;
    private readonly byte[] _buffer = new byte[Frames.Header + MaxPayload + 4096];
    private int _start, _end;

    /// <summary>The next frame; null, for ever, when the line is at its end or does not carry frames.</summary>
    public async ValueTask<Frame?> Next()
    {
        if (!await Fill(Frames.Header)) return null;
        var size = BitConverter.ToInt32(_buffer, _start);
        var kind = BitConverter.ToInt32(_buffer, _start + 4);
        if (size is < 0 or > MaxPayload || !await Fill(Frames.Header + size)) return null;
        var payload = _buffer.AsMemory(_start + Frames.Header, size);
        _start += Frames.Header + size;
        return new Frame(kind, payload);
    }

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
                // Whoever ends with our words unread resets the line: that is its end as well.
                return false;
            }
            if (received == 0) return false;
            _end += received;
        }
        return true;
    }
}
