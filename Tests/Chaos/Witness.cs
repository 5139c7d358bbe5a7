using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Builds.Tests.Chaos;

/// <summary>An attempt of a job that is alive: one of its processes holds a connection to the witness.</summary>
internal sealed record Presence(int Job, int Attempt, string Process, Socket Socket, long Since)
{
    /// <summary>False as soon as the last process that holds the other end has ended, by whatever end.</summary>
    public bool IsAlive
    {
        get
        {
            try
            {
                return !(Socket.Poll(0, SelectMode.SelectRead) && Socket.Available == 0);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"attempt {Attempt} of job {Job}, process {Process} of its own counting");
}

/// <summary>
/// Where builds say that they run, and as long as they run: each task opens a connection that its processes inherit, and that the kernel
/// closes with the last of them. So two attempts at once are seen for certain, however short, and never when they were not.
/// </summary>
internal sealed class Witness : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource over = new();
    private readonly ConcurrentDictionary<int, List<Presence>> present = [];
    private readonly Task accepting;

    public Witness()
    {
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = Accept();
    }

    public int Port { get; }

    /// <summary>The line that each task begins with. A build that cannot reach the witness ends there, as failed.</summary>
    public string Line => $"exec 9<>/dev/tcp/127.0.0.1/{Port} && printf '%s %s %s\\n' $JOB_ID $JOB_ATTEMPT $$ >&9";

    /// <summary>Told of each attempt that begins to run; throws nothing.</summary>
    public Action<Presence>? Began { get; set; }

    /// <summary>Told of what must never be.</summary>
    public Action<string>? Mistaken { get; set; }

    /// <summary>The attempts that are alive, by a look at each.</summary>
    public IReadOnlyList<Presence> Alive => [.. present.Values.SelectMany(Copy).Where(one => one.IsAlive)];

    public IReadOnlyList<Presence> AliveOf(int job) => present.TryGetValue(job, out var all) ? [.. Copy(all).Where(one => one.IsAlive)] : [];

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        listener.Stop();
        await accepting;
        foreach (var one in present.Values.SelectMany(Copy))
            one.Socket.Dispose();
        over.Dispose();
    }

    private static Presence[] Copy(List<Presence> all)
    {
        lock (all)
            return [.. all];
    }

    private async Task Accept()
    {
        while (!over.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptSocketAsync(over.Token);
                _ = Hear(socket);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The witness is closed, or the build was killed before it was heard.
            }
        }
    }

    private async Task Hear(Socket socket)
    {
        var line = new StringBuilder();
        var buffer = new byte[1];
        try
        {
            // Byte by byte: nothing else is ever sent, so that whatever can be read afterwards is the end.
            while (await socket.ReceiveAsync(buffer, over.Token) == 1 && buffer[0] != '\n')
                line.Append((char)buffer[0]);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // Killed before it said who it is.
        }

        if (buffer[0] != '\n')
        {
            socket.Dispose();
            return;
        }

        var words = line.ToString().Split(' ');
        Note(new Presence(
            int.Parse(words[0], CultureInfo.InvariantCulture), int.Parse(words[1], CultureInfo.InvariantCulture), words[2], socket, TimeProvider.System.GetTimestamp()));
    }

    /// <summary>What it said was sent before now, so whoever of an earlier attempt is alive now was so beside it.</summary>
    private void Note(Presence newcomer)
    {
        var all = present.GetOrAdd(newcomer.Job, _ => []);
        lock (all)
        {
            foreach (var gone in all.Where(one => !one.IsAlive).ToArray())
            {
                gone.Socket.Dispose();
                all.Remove(gone);
            }

            foreach (var other in all.Where(one => one.Attempt != newcomer.Attempt))
                Mistaken?.Invoke($"two attempts are alive at once: {other} and {newcomer}");
            all.Add(newcomer);
        }

        Began?.Invoke(newcomer);
    }
}
