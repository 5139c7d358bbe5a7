using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Parking;

/// <summary>What somebody on this machine wants of the silo's parked environments.</summary>
/// <param name="Job">Null: a list of all.</param>
/// <param name="End">True: ends it. False: opens a shell in it.</param>
/// <param name="Kind">What TERM says there; null: there is no terminal.</param>
internal sealed record ShellRequest(int? Job, bool End = false, string? Kind = null, int Rows = 0, int Columns = 0)
{
    /// <summary>Null: there is no terminal.</summary>
    [JsonIgnore]
    public TerminalSize? Size => Kind is null ? null : ShellLine.SizeOf(Rows, Columns);
}

/// <summary>What the silo says to that.</summary>
/// <param name="Refusal">Null: done, or a shell is open and the line is its own from here on.</param>
internal sealed record ShellAnswer(string? Refusal, ImmutableArray<ParkedJob> Parked);

/// <summary>One parked environment.</summary>
/// <param name="Why">How its build ended.</param>
internal sealed record ParkedJob(int Job, int Attempt, string Why, DateTimeOffset Since, DateTimeOffset Until, int Shells);

/// <summary>
/// The line between <c>builds shell</c> and the silo: a socket in the data directory, for the silo's user and root alone. A request and an
/// answer, then, for a shell, frames both ways. Who asks sends no more input than <see cref="GuardShells.InputRoom"/> until it is taken.
/// </summary>
internal static class ShellLine
{
    /// <summary>From who asks: a request, input (none: its end), and the size of the terminal (rows, columns).</summary>
    public const int Request = 1, Input = 2, Size = 3;

    /// <summary>From the silo: an answer, output, room for input (bytes), and the last: an exit status, or why there is none.</summary>
    public const int Answer = 1, Output = 2, Taken = 3, Ended = 4, Lost = 5;

    private const string Name = "shells";
    private const int LargestSize = ushort.MaxValue;

    public static string PathIn(string data) => Path.Combine(data, Name);

    public static byte[] Of<T>(int kind, T message) => Frames.Of(kind, [], JsonSerializer.SerializeToUtf8Bytes(message));

    /// <summary>Null where it is none.</summary>
    public static T? Read<T>(Frame frame)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(frame.Payload.Span);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static TerminalSize SizeOf(int rows, int columns) => new(Math.Clamp(rows, 1, LargestSize), Math.Clamp(columns, 1, LargestSize));

    public static async Task Send(Socket socket, ReadOnlyMemory<byte> frame)
    {
        while (frame.Length > 0) frame = frame[await socket.SendAsync(frame, SocketFlags.None)..];
    }

    /// <summary>
    /// Binds to or connects with the socket of a data directory, by a name that is short whatever the directory is called: the kernel takes no
    /// more than 107 bytes.
    /// </summary>
    public static void At(string data, Action<EndPoint> use)
    {
        var directory = Libc.Open(data, Libc.ReadOnlyCloseOnExec);
        if (directory < 0) throw new IOException($"{data} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            use(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory}/{Name}")));
        }
        finally
        {
            _ = Libc.Close(directory);
        }
    }
}
