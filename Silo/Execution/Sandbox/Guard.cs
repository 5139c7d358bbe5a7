using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Builds.Execution.Native;

namespace Builds.Execution.Sandbox;

/// <summary>How a command ended.</summary>
internal abstract record CommandEnd
{
    private CommandEnd() { }

    public sealed record Exited(int Code) : CommandEnd;
    public sealed record Signalled(int Signal) : CommandEnd;
    /// <summary>The guard ended, and with it everything inside.</summary>
    public sealed record Lost : CommandEnd;
}

/// <summary>How a guard ended.</summary>
/// <param name="Words">What it, or bubblewrap before it, had to say; mostly empty.</param>
internal sealed record GuardEnd(int Code, string Words)
{
    public const int LeaseOver = 80;
}

/// <summary>
/// One sandbox, seen from the silo: the line to the init inside (Init/init.c). When this process dies, the line closes and
/// everything inside ends. Commands run one after another; <see cref="Renew"/>, <see cref="Terminate"/> and
/// <see cref="Kill"/> may be called at any time from anywhere.
/// </summary>
internal sealed class Guard : IAsyncDisposable
{
    private const int MaxWords = 8192;
    private readonly ChildProcess _process;
    private readonly FrameReader _reader;

    // Sent by who writes, as far as the socket takes it: a renewed lease must reach the sandbox although the thread pool is busy.
    private readonly Channel<byte[]> _outgoing = Channel.CreateUnbounded<byte[]>(new() { SingleReader = true, AllowSynchronousContinuations = true });
    private readonly Task _sending;
    private bool _empty;

    private Guard(ChildProcess process)
    {
        _process = process;
        _reader = new FrameReader(process.Control);
        _sending = Send();
        Ended = WatchLife();
    }

    /// <summary>Completes when no process of the sandbox is alive.</summary>
    public Task<GuardEnd> Ended { get; }

    /// <summary>Starts a guard, <paramref name="nice"/> (0 to 19) nicer than the silo.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Without its own name.</param>
    /// <param name="nice">Of all that runs inside.</param>
    /// <param name="environment">Of the program itself, as NAME=VALUE; null: it has none.</param>
    public static Guard Start(string program, IReadOnlyList<string> arguments, int nice, IReadOnlyList<string>? environment = null) =>
        new(LowPriority.Run(nice, () => ChildProcess.Start(program, arguments, environment ?? [])));

    /// <summary>Waits until the sandbox is up. False: it will not come up, and <see cref="Ended"/> tells why.</summary>
    public async Task<bool> Hello() => (await Next()).Kind == GuardFrameKind.Hello;

    /// <summary>Runs a command to its end, including all that it wrote until then.</summary>
    public async Task<CommandEnd> Run(GuardOrder order, Func<ReadOnlyMemory<byte>, ValueTask> output)
    {
        Begin(order);
        while (true)
        {
            var frame = await Next();
            if (frame.Kind == GuardFrameKind.Output) await output(frame.Payload);
            else if (frame.Kind is GuardFrameKind.Exit or GuardFrameKind.Closed) return EndOf(frame);
        }
    }

    /// <summary>Starts a command whose frames the caller reads by <see cref="Next"/>.</summary>
    public void Begin(GuardOrder order) => _outgoing.Writer.TryWrite(GuardFrames.Start(order));

    public async ValueTask<GuardFrame> Next()
    {
        var frame = await _reader.Next() is { } read ? new GuardFrame((GuardFrameKind)read.Kind, read.Payload) : new GuardFrame(GuardFrameKind.Closed, default);
        // Told once, and maybe while a command was still being read.
        _empty |= frame.Kind == GuardFrameKind.Empty;
        return frame;
    }

    public static CommandEnd EndOf(GuardFrame frame)
    {
        if (frame.Kind != GuardFrameKind.Exit) return new CommandEnd.Lost();
        var code = BitConverter.ToInt32(frame.Payload.Span[4..]);
        return BitConverter.ToInt32(frame.Payload.Span) == 0 ? new CommandEnd.Exited(code) : new CommandEnd.Signalled(code);
    }

    /// <summary>Everything inside ends when CLOCK_BOOTTIME passes <paramref name="leaseEnd"/>.</summary>
    public void Renew(TimeSpan leaseEnd) => _outgoing.Writer.TryWrite(GuardFrames.RenewTo(leaseEnd));

    /// <summary>Sends TERM to everything inside.</summary>
    public void Terminate() => _outgoing.Writer.TryWrite(GuardFrames.Terminate());

    /// <summary>
    /// Sends one of <see cref="GuardFrames"/>: for shells, whose frames the caller reads by <see cref="Next"/>. What is sent to them is in
    /// memory until the guard takes it, so no more than they have room for.
    /// </summary>
    public void Tell(byte[] frame) => _outgoing.Writer.TryWrite(frame);

    /// <summary>After <see cref="Terminate"/> and between commands: waits until nothing is left inside, or the guard has ended.</summary>
    public async Task Emptied()
    {
        while (!_empty && (await Next()).Kind != GuardFrameKind.Closed) { }
    }

    /// <summary>Ends everything inside at once. A repeat does nothing.</summary>
    public void Kill()
    {
        _outgoing.Writer.TryComplete();
        try
        {
            _process.Control.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end is gone already, which is what was asked for.
        }
    }

    /// <summary>Sends TERM to what was started and its children, for a program that is no guard. A repeat does nothing.</summary>
    public void Interrupt()
    {
        if (!Ended.IsCompleted) _ = Libc.SendSignal(-_process.Pid, Libc.Terminate);
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await Ended;
        _process.Dispose();
        await _sending;
    }

    private async Task Send()
    {
        try
        {
            await foreach (var frame in _outgoing.Reader.ReadAllAsync())
                for (var rest = frame.AsMemory(); rest.Length > 0;)
                    rest = rest[await _process.Control.SendAsync(rest, SocketFlags.None)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Nobody listens any more; whoever reads from the guard learns of its end.
        }
    }

    private async Task<GuardEnd> WatchLife()
    {
        var words = new MemoryStream();
        var buffer = new byte[1024];
        while (true)
        {
            int received;
            try
            {
                received = await _process.Life.ReceiveAsync(buffer, SocketFlags.None);
            }
            catch (SocketException)
            {
                received = 0;
            }
            if (received == 0) break;
            if (words.Length < MaxWords) await words.WriteAsync(buffer.AsMemory(0, received));
        }
        return new GuardEnd(_process.Reap(), Encoding.UTF8.GetString(words.ToArray()).Trim());
    }
}
