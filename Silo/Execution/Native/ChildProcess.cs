using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Builds.Execution.Native;

/// <summary>
/// A process that has descriptor 3 as its line to us (<see cref="Control"/>) and its standard error as the sign that it lives
/// (<see cref="Life"/>, which ends when the process and all that inherited it have closed it). Its environment is what it is
/// given, its signals are as at boot, and it does not depend on the thread that started it. Both lines are sockets, so that
/// waiting for them costs no thread.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    // Larger than any C library's posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t.
    private const int OpaqueSize = 1024;
    private const int FirstFreeDescriptor = 10;

    private ChildProcess(int pid, Socket control, Socket life) => (Pid, Control, Life) = (pid, control, life);

    public int Pid { get; }
    public Socket Control { get; }
    public Socket Life { get; }

    /// <summary>Starts a program. Throws <see cref="Win32Exception"/> if the system refuses.</summary>
    /// <param name="path">Of the program.</param>
    /// <param name="arguments">Without its own name.</param>
    /// <param name="environment">All that it has, as NAME=VALUE.</param>
    public static ChildProcess Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        var (control, controlTheirs) = OpenPair();
        var (life, lifeTheirs) = OpenPair();
        try
        {
            var pid = Spawn(path, arguments, environment, controlTheirs, lifeTheirs);
            return new ChildProcess(pid, control, life);
        }
        catch
        {
            control.Dispose();
            life.Dispose();
            throw;
        }
        finally
        {
            _ = Libc.Close(controlTheirs);
            _ = Libc.Close(lifeTheirs);
        }
    }

    /// <summary>Its exit code, or 128 and the signal that ended it. To be called once, when <see cref="Life"/> is at its end.</summary>
    public int Reap()
    {
        int result, status;
        do result = Libc.WaitPid(Pid, out status, 0);
        while (result < 0 && Marshal.GetLastPInvokeError() == Libc.Interrupted);
        if (result < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), $"Cannot learn how process {Pid} ended.");
        var signal = status & 0x7f;
        return signal == 0 ? status >> 8 & 0xff : 128 + signal;
    }

    public void Dispose()
    {
        Control.Dispose();
        Life.Dispose();
    }

    private static unsafe (Socket Ours, int Theirs) OpenPair()
    {
        var ends = stackalloc int[2];
        if (Libc.SocketPair(Libc.UnixDomain, Libc.StreamCloseOnExec, 0, ends) < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "Cannot open a socket pair.");
        var theirs = ends[1];
        // Out of the way of the numbers that the child will have, which must not be overwritten before they are copied.
        if (theirs < FirstFreeDescriptor)
        {
            theirs = Libc.Fcntl(ends[1], Libc.DuplicateCloseOnExec, FirstFreeDescriptor);
            _ = Libc.Close(ends[1]);
            if (theirs < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "Cannot copy a descriptor.");
        }
        return (new Socket(new SafeSocketHandle(ends[0], ownsHandle: true)), theirs);
    }

    private static unsafe int Spawn(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, int control, int life)
    {
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        var signals = stackalloc byte[OpaqueSize];
        using var words = new Words([path, .. arguments]);
        using var variables = new Words(environment);
        new Span<byte>(signals, OpaqueSize).Clear();
        Check(Libc.ActionsInit(actions));
        Check(Libc.AttributesInit(attributes));
        try
        {
            Check(Libc.ActionsAddOpen(actions, 0, "/dev/null", Libc.ReadWrite, 0));
            Check(Libc.ActionsAddDuplicate(actions, 0, 1));
            Check(Libc.ActionsAddDuplicate(actions, life, 2));
            Check(Libc.ActionsAddDuplicate(actions, control, 3));
            Check(Libc.AttributesSetSignalMask(attributes, signals));
            // Signals 1 to 31, as .NET ignores some of them and that would be inherited.
            *(uint*)signals = 0x7fffffff;
            Check(Libc.AttributesSetDefaultSignals(attributes, signals));
            Check(Libc.AttributesSetFlags(attributes, Libc.SpawnFlags.DefaultSignals | Libc.SpawnFlags.SignalMask | Libc.SpawnFlags.NewSession));
            var error = Libc.Spawn(out var pid, path, actions, attributes, words.Pointers, variables.Pointers);
            return error == 0 ? pid : throw new Win32Exception(error, $"Cannot start {path}: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
        finally
        {
            _ = Libc.ActionsDestroy(actions);
            _ = Libc.AttributesDestroy(attributes);
        }
    }

    private static void Check(int error)
    {
        if (error != 0) throw new Win32Exception(error, "Cannot prepare the start of a process.");
    }

    /// <summary>A null-ended array of C strings.</summary>
    private sealed unsafe class Words : IDisposable
    {
        private readonly int _count;

        public Words(IReadOnlyList<string> words)
        {
            _count = words.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++)
            {
                var size = Encoding.UTF8.GetByteCount(words[i]);
                Pointers[i] = (byte*)NativeMemory.AllocZeroed((nuint)size + 1);
                Encoding.UTF8.GetBytes(words[i], new Span<byte>(Pointers[i], size));
            }
        }

        public byte** Pointers { get; }

        public void Dispose()
        {
            for (var i = 0; i < _count; i++) NativeMemory.Free(Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }
}
