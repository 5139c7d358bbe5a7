using System.Collections.Concurrent;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Execution.Parking;

/// <summary>
/// Where <c>builds shell</c> comes in. Only those who may enter the data directory, and open a file there that is the silo's user's alone, can:
/// root and that user.
/// </summary>
internal sealed partial class ShellDoor(ParkingLot lot, GuardProgram program, TimeProvider time, ILogger<ShellDoor> logger) : BackgroundService
{
    private const int Waiting = 16;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1), Farewell = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Socket, Task> _callers = [];
    private Socket? _listener;

    private string Path => ShellLine.PathIn(program.DataDirectory);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (lot.ClosedWhy is null) Open();
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _listener?.Dispose();
        File.Delete(Path);
        // Their environments end, which each of them is told; who has not asked for any is not waited for.
        lot.Close("the silo stops");
        foreach (var caller in _callers.Keys) Deafen(caller);
        var served = Task.WhenAll(_callers.Values);
        await served.WaitAsync(Farewell, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Who does not read it, since its terminal is held for example, does not hold the silo up.
        foreach (var caller in _callers.Keys) caller.Dispose();
        await served;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (_listener is { } listener && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                var caller = await listener.AcceptAsync(stoppingToken);
                var serving = Serve(caller);
                _callers[caller] = serving;
                _ = serving.ContinueWith(_ => _callers.TryRemove(caller, out var _), TaskScheduler.Default);
            }
            catch (SocketException error)
            {
                // No descriptor is left, for example.
                LogNotHeard(error.Message);
                await Task.Delay(AfterFailure, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The silo ends.
            }
        }
    }

    private void Open()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // Of a silo that was killed: the directory is ours alone.
            File.Delete(Path);
            ShellLine.At(program.DataDirectory, listener.Bind);
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(Waiting);
            _listener = listener;
        }
        catch (Exception error) when (error is IOException or SocketException or UnauthorizedAccessException)
        {
            listener.Dispose();
            lot.Close($"{Path} cannot be made: {error.Message}");
            LogNoDoor(Path, error.Message);
        }
    }

    private static void Deafen(Socket caller)
    {
        try
        {
            caller.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It is gone by itself.
        }
    }

    private async Task Serve(Socket caller)
    {
        // Not on the thread that accepts.
        await Task.Yield();
        using (caller)
        {
            try
            {
                var reader = new FrameReader(caller);
                if (await reader.Next() is not { Kind: ShellLine.Request } frame || ShellLine.Read<ShellRequest>(frame) is not { } request) return;
                var (refusal, shell) = await Do(request, UserOf(caller));
                var answer = ShellLine.Of(ShellLine.Answer, new ShellAnswer(refusal, request.Job is null ? [.. lot.All.Where(parked => parked.EndedWhy is null).Select(Shown)] : []));
                if (shell is null) await ShellLine.Send(caller, answer);
                else await Relay(caller, reader, shell, answer);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Whoever asked is gone, and waits for nothing any more, or does not listen.
            }
        }
    }

    /// <summary>Does what is asked: why not, or the shell that was opened.</summary>
    private async Task<(string? Refusal, ParkedShell? Shell)> Do(ShellRequest request, uint user)
    {
        if (request.Job is not { } number) return (lot.ClosedWhy is { } why && lot.All.IsEmpty ? $"environments are not kept here: {why}" : null, null);
        var job = new JobId(number);
        if (lot.Find(job) is not { } parked)
            return (lot.ClosedWhy is { } closed ? $"the environment of job {job} is not kept here: {closed}" : $"the environment of job {job} is not kept here, or not any more; 'builds shell' lists those that are", null);
        if (request.End) return (await End(parked), null);
        var (shell, full) = parked.Open(request.Kind, request.Size);
        if (shell is null) return ($"no shell can be opened for job {job}: {full}", null);
        LogOpened(job, parked.Build.Attempt, user);
        return (null, shell);
    }

    /// <summary>Ends an environment; null, or what stays of it.</summary>
    private static async Task<string?> End(ParkedEnvironment parked)
    {
        try
        {
            parked.End("an operator ended it");
            await parked.Gone;
            return null;
        }
        catch (Exception error) when (error is IOException or Win32Exception)
        {
            return $"something of the environment of job {parked.Build.Job} stays: {error.Message}";
        }
    }

    /// <summary>Both ways until the shell has ended or whoever sat there is gone.</summary>
    private static async Task Relay(Socket caller, FrameReader reader, ParkedShell shell, byte[] answer)
    {
        var listening = Listen(reader, shell);
        try
        {
            await ShellLine.Send(caller, answer);
            await foreach (var news in shell.News)
            {
                await ShellLine.Send(caller, news switch
                {
                    ShellNews.Output output => Frames.Of(ShellLine.Output, [], output.Bytes.Span),
                    ShellNews.Taken taken => Frames.Of(ShellLine.Taken, [taken.Bytes]),
                    ShellNews.Ended ended => Frames.Of(ShellLine.Ended, [ended.Status]),
                    ShellNews.Lost lost => Frames.Of(ShellLine.Lost, [], System.Text.Encoding.UTF8.GetBytes(lost.Why)),
                    _ => throw new System.Diagnostics.UnreachableException(news.GetType().Name),
                });
                if (news is ShellNews.Output { Bytes.Length: var length }) shell.Written(length);
            }
        }
        finally
        {
            shell.HangUp();
            caller.Dispose();
            await listening;
        }
    }

    private static async Task Listen(FrameReader reader, ParkedShell shell)
    {
        while (await reader.Next() is { } frame)
        {
            if (frame.Kind == ShellLine.Size) shell.Resize(ShellLine.SizeOf(frame.Word(0), frame.Word(1)));
            else if (frame.Kind != ShellLine.Input || !shell.Write(frame.Payload.Span)) break;
        }
        shell.HangUp();
    }

    private static ParkedJob Shown(ParkedEnvironment parked) =>
        new(parked.Build.Job.Value, parked.Build.Attempt, parked.Build.Why, parked.Since, parked.Until, parked.Shells);

    /// <summary>Whoever is at the other end, by the kernel's word.</summary>
    private static uint UserOf(Socket caller)
    {
        const int SocketLevel = 1, PeerCredentials = 17;
        Span<byte> credentials = stackalloc byte[12];
        caller.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return MemoryMarshal.Read<uint>(credentials[4..]);
    }

    [LoggerMessage(EventId = 1613, Level = LogLevel.Information, Message = "Job {JobId}, attempt {Attempt}: user {User} of this machine opened a shell in its environment")]
    private partial void LogOpened(JobId jobId, int attempt, uint user);

    [LoggerMessage(EventId = 1615, Level = LogLevel.Warning, Message = "Whoever wants a shell is not heard; tried again in a second: {Why}")]
    private partial void LogNotHeard(string why);

    [LoggerMessage(EventId = 1614, Level = LogLevel.Warning, Message = "No environments are parked, since nobody could open a shell: {Path} cannot be made: {Why}")]
    private partial void LogNoDoor(string path, string why);
}
