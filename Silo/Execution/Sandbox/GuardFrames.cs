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
    /// <summary>The number of a shell, and what it wrote.</summary>
    ShellOutput = 5,
    /// <summary>The number of a shell, and how much input it has taken.</summary>
    ShellTaken = 6,
    /// <summary>The number of a shell, which is free again; how it ended (0 exit, 1 signal, 2 not started) and the code.</summary>
    ShellExit = 7,
    /// <summary>Not on the wire: the line is closed.</summary>
    Closed = -1,
}

/// <param name="Payload">Valid until the next read.</param>
internal readonly record struct GuardFrame(GuardFrameKind Kind, ReadOnlyMemory<byte> Payload)
{
    /// <summary>One of the numbers that a payload begins with; 0 where it is too short for it.</summary>
    public int Word(int index) => Frames.Word(Payload, index);
}

/// <summary>Writes frames for the guard.</summary>
internal static class GuardFrames
{
    private const int Lease = 1, Run = 2, Term = 3, Freezing = 4, Thawing = 5, Shell = 6, Input = 7, Credit = 8, Size = 9, Close = 10;
    private const int ReadsFile = 1, AsRoot = 2, WritesFile = 4, FindsRoom = 8, SyncsDisk = 16;

    public static byte[] RenewTo(TimeSpan leaseEnd) => Frames.Of(Lease, [], BitConverter.GetBytes(Nanoseconds(leaseEnd)));

    public static byte[] Terminate() => Frames.Of(Term, []);

    /// <summary>Stops everything inside, for as long as it is not thawed.</summary>
    public static byte[] Freeze() => Frames.Of(Freezing, []);

    public static byte[] Thaw() => Frames.Of(Thawing, []);

    public static byte[] Start(GuardOrder order) => Frames.Of(Run, [], Words(order));

    /// <summary>Opens a shell.</summary>
    /// <param name="shell">From 0, and less than <see cref="GuardShells.Most"/>: nobody else's until the guard has told its end.</param>
    /// <param name="size">Of its terminal; null: it has pipes.</param>
    /// <param name="credit">How many bytes it may write before more are allowed.</param>
    public static byte[] OpenShell(int shell, TerminalSize? size, int credit, GuardOrder order) =>
        Frames.Of(Shell, [shell, size?.Rows ?? 0, size?.Columns ?? 0, credit], Words(order));

    /// <summary>No bytes: the input is at its end.</summary>
    public static byte[] ShellInput(int shell, ReadOnlySpan<byte> bytes) => Frames.Of(Input, [shell], bytes);

    public static byte[] ShellCredit(int shell, int bytes) => Frames.Of(Credit, [shell, bytes]);

    public static byte[] ShellSize(int shell, TerminalSize size) => Frames.Of(Size, [shell, size.Rows, size.Columns]);

    /// <summary>Hangs a shell up.</summary>
    public static byte[] CloseShell(int shell) => Frames.Of(Close, [shell]);

    private static byte[] Words(GuardOrder order)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write((order.ReadsFile ? ReadsFile : 0) | (order.AsRoot ? AsRoot : 0) | (order.WritesFile ? WritesFile : 0) | (order.FindsRoom ? FindsRoom : 0) | (order.SyncsDisk ? SyncsDisk : 0));
        writer.Write(order.Arguments.Count);
        writer.Write(order.Environment.Count);
        WriteWord(writer, order.Directory);
        foreach (var word in order.Arguments) WriteWord(writer, word);
        foreach (var (name, value) in order.Environment) WriteWord(writer, $"{name}={value}");
        writer.Flush();
        return buffer.ToArray();
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

/// <summary>What the guard allows of shells (Init/shell.h).</summary>
internal static class GuardShells
{
    /// <summary>How many there may be at a time.</summary>
    public const int Most = 8;

    /// <summary>How many bytes of input a shell may be sent before it has taken any.</summary>
    public const int InputRoom = 16384;
}

/// <summary>Of a terminal, each from 1 to 65535.</summary>
internal readonly record struct TerminalSize(int Rows, int Columns);
