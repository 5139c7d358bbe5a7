using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Builds.Execution.Native;
using Builds.Execution.Parking;
using Builds.Execution.Sandbox;
using Microsoft.Win32.SafeHandles;

namespace Builds.Commands.Shell;

/// <summary>A shell at this process' standard input and output, from when it is open to its end.</summary>
internal sealed class ShellSession(Socket socket, FrameReader reader) : IDisposable
{
    private static readonly PosixSignal[] Ends = [PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM];

    private readonly SemaphoreSlim _sending = new(1);
    private readonly Lock _gate = new();
    private int _room = GuardShells.InputRoom;
    private bool _left;
    private TaskCompletionSource _roomier = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The exit status.</summary>
    /// <param name="terminal">Which is given back as it was; null: there is none.</param>
    /// <param name="size">Its size now.</param>
    public async Task<int> Run(RawTerminal? terminal, Func<(int Rows, int Columns)> size)
    {
        var signals = new List<PosixSignalRegistration>();
        try
        {
            if (terminal is not null)
            {
                signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => SendSize(size()).Ignore()));
                foreach (var signal in Ends) signals.Add(PosixSignalRegistration.Create(signal, Leave));
            }
            SendInput().Ignore();
            return await Show();
        }
        finally
        {
            terminal?.Dispose();
            foreach (var signal in signals) signal.Dispose();
        }
    }

    public void Dispose() => _sending.Dispose();

    // Whoever waits for the silo learns that it is over, and gives the terminal back.
    private void Leave(PosixSignalContext context)
    {
        (context.Cancel, _left) = (true, true);
        socket.Dispose();
    }

    private async Task<int> Show()
    {
        await using var output = OpenOutput();
        while (await reader.Next() is { } frame)
        {
            switch (frame.Kind)
            {
                case ShellLine.Output:
                    await output.WriteAsync(frame.Payload);
                    break;
                case ShellLine.Taken:
                    MakeRoom(frame.Word(0));
                    break;
                case ShellLine.Ended:
                    return frame.Word(0);
                case ShellLine.Lost:
                    throw new CommandException(ExitCode.CouldNotRun, Encoding.UTF8.GetString(frame.Payload.Span));
            }
        }
        return _left ? ExitCode.Interrupted : throw new CommandException(ExitCode.CouldNotRun, "the line to the silo broke, and with it the shell");
    }

    // The console's own stream writes on and on to a pipe that nobody reads any more; in a file it keeps to the place that others share.
    private static Stream OpenOutput()
    {
        var file = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return file.CanSeek ? Console.OpenStandardOutput() : file;
    }

    private async Task SendInput()
    {
        using var handle = new SafeFileHandle(0, ownsHandle: false);
        await using var input = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        var buffer = new byte[GuardShells.InputRoom];
        while (true)
        {
            var count = await input.ReadAsync(buffer.AsMemory(0, await Room()));
            MakeRoom(-count);
            await Send(Frames.Of(ShellLine.Input, [], buffer.AsSpan(0, count)));
            if (count == 0) return;
        }
    }

    private Task SendSize((int Rows, int Columns) size) => Send(Frames.Of(ShellLine.Size, [size.Rows, size.Columns]));

    private async Task Send(byte[] frame)
    {
        await _sending.WaitAsync();
        try
        {
            await ShellLine.Send(socket, frame);
        }
        finally
        {
            _sending.Release();
        }
    }

    private void MakeRoom(int bytes)
    {
        lock (_gate)
        {
            _room += bytes;
            if (_room > 0) _roomier.TrySetResult();
        }
    }

    private async Task<int> Room()
    {
        while (true)
        {
            Task roomier;
            lock (_gate)
            {
                if (_room > 0) return _room;
                if (_roomier.Task.IsCompleted) _roomier = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                roomier = _roomier.Task;
            }
            await roomier;
        }
    }
}
