using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Builds.Execution.Native;

/// <summary>
/// A terminal that hands every key on as it is and shows nothing by itself, until this is disposed: then it is as it was. Thread safe.
/// </summary>
internal sealed class RawTerminal : IDisposable
{
    // Larger than any C library's struct termios.
    private const int OpaqueSize = 256;
    private const int AfterOutput = 1;
    private const nuint GetSize = 0x5413;

    private readonly Lock _gate = new();
    private readonly int _descriptor;
    private byte[]? _before;

    /// <summary>Throws <see cref="Win32Exception"/> where it is no terminal.</summary>
    public unsafe RawTerminal(int descriptor)
    {
        _descriptor = descriptor;
        var before = new byte[OpaqueSize];
        var raw = stackalloc byte[OpaqueSize];
        fixed (byte* settings = before)
        {
            if (Libc.GetTerminal(descriptor, settings) < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "The terminal cannot be asked for its settings.");
        }
        before.CopyTo(new Span<byte>(raw, OpaqueSize));
        Libc.MakeRaw(raw);
        if (Libc.SetTerminal(descriptor, AfterOutput, raw) < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "The terminal cannot be set.");
        _before = before;
    }

    public static bool Is(int descriptor) => Libc.IsTerminal(descriptor) == 1;

    /// <summary>Rows and columns; null where a terminal does not know, or it is none.</summary>
    public static unsafe (int Rows, int Columns)? SizeOf(int descriptor)
    {
        var cells = stackalloc ushort[4];
        return Libc.Control(descriptor, GetSize, cells) == 0 && cells[0] > 0 && cells[1] > 0 ? (cells[0], cells[1]) : null;
    }

    public unsafe void Dispose()
    {
        lock (_gate)
        {
            if (_before is null) return;
            // Where that fails the terminal is gone.
            fixed (byte* settings = _before) _ = Libc.SetTerminal(_descriptor, AfterOutput, settings);
            _before = null;
        }
    }
}
