using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Builds.Tests.Chaos;

/// <summary>
/// Stands in front of a port of this machine, and treats what each client sends and gets as its <see cref="Link"/> says. A cut keeps
/// connections and their bytes, as a network does that lets nothing through; needs no right that a test would not have.
/// </summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private static readonly TimeSpan RefusedLook = TimeSpan.FromMilliseconds(5);

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource over = new();
    private readonly ConcurrentDictionary<string, Link> links = [];
    private readonly ConcurrentDictionary<Connection, bool> open = [];
    private readonly int target;
    private readonly Func<int, string?> client;
    private readonly Task accepting;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="target">The port behind it.</param>
    /// <param name="client">Who holds the other end of a connection, by its port; null: somebody who is not there any more.</param>
    public FaultProxy(int target, Func<int, string?> client)
    {
        (this.target, this.client) = (target, client);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = Accept();
    }

    public int Port { get; }

    /// <summary>From now on the connections of this client are like that.</summary>
    public void Set(string from, Link link)
    {
        links[from] = link;
        if (link.Refused)
        {
            foreach (var connection in open.Keys.Where(connection => connection.From == from))
                connection.Reset();
        }

        Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        listener.Stop();
        await accepting;
        foreach (var connection in open.Keys)
            connection.Reset();
        over.Dispose();
    }

    private Link Of(string from) => links.GetValueOrDefault(from, Link.Whole);

    private async Task Accept()
    {
        while (!over.IsCancellationRequested)
        {
            Socket caller;
            try
            {
                caller = await listener.AcceptSocketAsync(over.Token);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The proxy is closed, or the caller has gone before it was heard.
                continue;
            }

            _ = Carry(caller);
        }
    }

    private async Task Carry(Socket caller)
    {
        // Away from the loop that accepts: to find out who it is takes a look at every process.
        await Task.Yield();
        if (client(((IPEndPoint)caller.RemoteEndPoint!).Port) is not { } from)
        {
            caller.Dispose();
            return;
        }

        using var connection = new Connection(from, caller, new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        caller.NoDelay = true;
        open[connection] = true;
        try
        {
            if (Of(from).Refused)
            {
                await Task.Delay(RefusedLook, over.Token);
                connection.Reset();
                return;
            }

            await connection.Target.ConnectAsync(IPAddress.Loopback, target, over.Token);
            await Task.WhenAll(
                Pump(from, caller, connection.Target, link => link.Towards),
                Pump(from, connection.Target, caller, link => link.Back));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side has gone: the other shall see that too.
            connection.Reset();
        }
        finally
        {
            open.TryRemove(connection, out _);
        }
    }

    private async Task Pump(string from, Socket source, Socket sink, Func<Link, bool> passes)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            int count;
            try
            {
                count = await source.ReceiveAsync(buffer, over.Token);
            }
            catch (SocketException)
            {
                // That a connection was reset does not get through a cut either.
                await UntilOpen(from, passes);
                throw;
            }

            await UntilOpen(from, passes);
            if (Of(from).Delay is { Ticks: > 0 } delay)
                await Task.Delay(delay, over.Token);
            if (count == 0)
            {
                sink.Shutdown(SocketShutdown.Send);
                return;
            }

            for (var sent = 0; sent < count;)
                sent += await sink.SendAsync(buffer.AsMemory(sent, count - sent), over.Token);
        }
    }

    private async Task UntilOpen(string from, Func<Link, bool> passes)
    {
        while (true)
        {
            var next = Volatile.Read(ref changed).Task;
            if (passes(Of(from)))
                return;
            await next.WaitAsync(over.Token);
        }
    }

    private sealed class Connection(string from, Socket caller, Socket target) : IDisposable
    {
        private readonly Lock gate = new();
        private bool isClosed;

        public string From => from;
        public Socket Target => target;

        /// <summary>Both sides see that it ended in the middle. Of a connection that is over: nothing, for it may end by itself at any moment.</summary>
        public void Reset() => Close(new LingerOption(true, 0));

        public void Dispose() => Close(linger: null);

        private void Close(LingerOption? linger)
        {
            lock (gate)
            {
                if (isClosed)
                    return;
                isClosed = true;
                foreach (var socket in new[] { caller, target })
                {
                    if (linger is not null)
                        socket.LingerState = linger;
                    socket.Dispose();
                }
            }
        }
    }
}
