using System.Net.Sockets;
using Builds.Execution.Native;

namespace Builds.Benchmarks.Ceilings;

/// <summary>What the machine can do: start a process, close its line, and learn of its end.</summary>
internal static class Spawn
{
    public static async Task Once(string program, IReadOnlyList<string> arguments)
    {
        using var process = ChildProcess.Start(program, arguments, []);
        process.Control.Shutdown(SocketShutdown.Send);
        var words = new byte[1024];
        // A guard that is ended so early may find nobody to greet, and close its side with our word still unread.
        try
        {
            while (await process.Life.ReceiveAsync(words, SocketFlags.None) > 0) { }
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            // That is the end as well.
        }

        process.Reap();
    }
}
