using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Builds.Tests.Triggers;

/// <summary>What webhooks are sent to: a bare socket, so that it can answer as badly as anybody might.</summary>
internal sealed class Target : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource ending = new();
    private readonly Task accepting;
    private readonly Lock waiting = new();
    private (int Requests, TaskCompletionSource Came)? wanted;

    /// <param name="answer">What it does once a request is there; null: an empty 200.</param>
    /// <param name="address">Null: 127.0.0.1.</param>
    public Target(Func<NetworkStream, CancellationToken, Task>? answer = null, IPAddress? address = null)
    {
        Answer = answer ?? With("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        listener = new TcpListener(address ?? IPAddress.Loopback, 0);
        listener.Start(backlog: 1024);
        accepting = Accept();
    }

    public Func<NetworkStream, CancellationToken, Task> Answer { get; set; }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Url => $"http://{listener.LocalEndpoint}/hook";

    public ConcurrentQueue<Received> Requests { get; } = [];

    /// <summary>Connections so far, also those without a request.</summary>
    public int Connections { get; private set; }

    /// <summary>An answer as it stands; then the connection ends.</summary>
    public static Func<NetworkStream, CancellationToken, Task> With(string answer) => async (stream, token) => await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), token);

    /// <summary>One piece after the other, for ever.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Endless(string begin, string piece, TimeSpan pause) => async (stream, token) =>
    {
        await With(begin)(stream, token);
        using var timer = pause > TimeSpan.Zero ? new PeriodicTimer(pause) : null;
        while (timer is null || await timer.WaitForNextTickAsync(token))
            await With(piece)(stream, token);
    };

    /// <summary>Nothing at all, for ever.</summary>
    public static Task Silence(NetworkStream stream, CancellationToken token) => Task.Delay(Timeout.Infinite, token);

    /// <summary>Completes when so many requests have come.</summary>
    public Task Hears(int requests)
    {
        lock (waiting)
            wanted = (requests, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        TellWaiting();
        return wanted.Value.Came.Task.WaitAsync(TimeSpan.FromMinutes(2));
    }

    private void TellWaiting()
    {
        lock (waiting)
        {
            if (wanted is { } known && Requests.Count >= known.Requests)
                known.Came.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Dispose();
        await accepting;
        ending.Dispose();
    }

    private async Task Accept()
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(ending.Token);
                Connections++;
                served.Add(Serve(client));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task Serve(TcpClient client)
    {
        using var connection = client;
        try
        {
            var stream = connection.GetStream();
            if (await Received.Read(stream, ending.Token) is not { } request)
                return;
            Requests.Enqueue(request);
            TellWaiting();
            await Answer(stream, ending.Token);
            // Closed by half, so that an answer is not lost with the connection.
            connection.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // The other side went, or the test is over.
        }
    }
}

/// <summary>A request as it came.</summary>
internal sealed record Received(string Line, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public static async Task<Received?> Read(NetworkStream stream, CancellationToken token)
    {
        var read = new MemoryStream();
        var end = -1;
        var buffer = new byte[4096];
        while ((end = Encoding.Latin1.GetString(read.GetBuffer(), 0, (int)read.Length).IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            if (await stream.ReadAsync(buffer, token) is not (> 0 and var count))
                return null;
            await read.WriteAsync(buffer.AsMemory(0, count), token);
        }

        var lines = Encoding.Latin1.GetString(read.GetBuffer(), 0, end).Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(part => part[0], part => part[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[int.Parse(headers["Content-Length"], System.Globalization.CultureInfo.InvariantCulture)];
        var known = read.ToArray().AsMemory(end + 4);
        known.CopyTo(body);
        await stream.ReadExactlyAsync(body.AsMemory(known.Length), token);
        return new Received(lines[0], headers, body);
    }
}
