using System.Threading.Channels;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Parking;

/// <summary>What comes out of a shell: any amount of output and room, then one end.</summary>
internal abstract record ShellNews
{
    private ShellNews() { }

    /// <summary>What it wrote; <see cref="ParkedShell.Written"/> says that there is room for more.</summary>
    public sealed record Output(ReadOnlyMemory<byte> Bytes) : ShellNews;

    /// <summary>It has room for so many bytes of input more.</summary>
    public sealed record Taken(int Bytes) : ShellNews;

    /// <summary>The last: an exit status as shells tell it, 128 and the signal where one ended it.</summary>
    public sealed record Ended(int Status) : ShellNews;

    /// <summary>The last: it was ended, or never began.</summary>
    public sealed record Lost(string Why) : ShellNews;
}

/// <summary>One shell of a parked environment. What it writes is held until it is read, and it writes no more than <see cref="Window"/> meanwhile.</summary>
internal sealed class ParkedShell(int number, Guard guard)
{
    /// <summary>How many bytes may be on their way to whoever reads.</summary>
    public const int Window = 65536;

    private const int Signalled = 1, NotStarted = 2, SignalStatus = 128, TooManyProcesses = 11;

    private readonly Channel<ShellNews> _news = Channel.CreateUnbounded<ShellNews>(new() { SingleReader = true });
    private readonly Lock _gate = new();
    private int _room = GuardShells.InputRoom;
    private bool _ended;

    /// <summary>Ends after <see cref="ShellNews.Ended"/> or <see cref="ShellNews.Lost"/>.</summary>
    public IAsyncEnumerable<ShellNews> News => _news.Reader.ReadAllAsync();

    /// <summary>So many bytes of output were passed on.</summary>
    public void Written(int bytes) => Tell(GuardFrames.ShellCredit(number, bytes));

    /// <summary>Input; none: it is at its end. False, and nothing is done, where that is more than there is room for.</summary>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        if (Interlocked.Add(ref _room, -bytes.Length) < 0) return false;
        Tell(GuardFrames.ShellInput(number, bytes));
        return true;
    }

    public void Resize(TerminalSize size) => Tell(GuardFrames.ShellSize(number, size));

    /// <summary>Whoever sat there is gone. After its end this does nothing.</summary>
    public void HangUp() => Tell(GuardFrames.CloseShell(number));

    /// <summary>A frame of the guard about this shell. True: it was the last one.</summary>
    public bool Hear(GuardFrame frame)
    {
        switch (frame.Kind)
        {
            case GuardFrameKind.ShellOutput:
                _news.Writer.TryWrite(new ShellNews.Output(frame.Payload[sizeof(int)..].ToArray()));
                return false;
            case GuardFrameKind.ShellTaken:
                Interlocked.Add(ref _room, frame.Word(1));
                _news.Writer.TryWrite(new ShellNews.Taken(frame.Word(1)));
                return false;
            default:
                lock (_gate) _ended = true;
                _news.Writer.TryWrite(End(frame.Word(1), frame.Word(2)));
                _news.Writer.TryComplete();
                return true;
        }
    }

    /// <summary>Nothing more will come of it. After its end this does nothing.</summary>
    public void Lose(string why)
    {
        _news.Writer.TryWrite(new ShellNews.Lost(why));
        _news.Writer.TryComplete();
    }

    // Its number may be another one's once it has ended.
    private void Tell(byte[] frame)
    {
        lock (_gate)
            if (!_ended) guard.Tell(frame);
    }

    private static ShellNews End(int kind, int code) => kind switch
    {
        NotStarted => new ShellNews.Lost(code == TooManyProcesses
            ? "the shell could not be started: the build left as many processes as it may have"
            : $"the shell could not be started (error {code})"),
        Signalled => new ShellNews.Ended(SignalStatus + code),
        _ => new ShellNews.Ended(code),
    };
}
