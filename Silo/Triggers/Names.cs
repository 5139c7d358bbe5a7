using System.Net;
using System.Net.Sockets;

namespace Builds.Triggers;

/// <summary>Looks names up.</summary>
internal interface INames
{
    /// <summary>The addresses of a host, in the order to try them. Throws <see cref="SocketException"/> if there are none.</summary>
    Task<IReadOnlyList<IPAddress>> Resolve(string host, CancellationToken cancellationToken);
}

/// <summary>
/// The system's own resolver, so that it is the same as every other program's. A look-up blocks its thread, and cannot be called off, until
/// name servers answer or the system gives up, which may take half a minute: it gets a thread of its own, not one of the pool that heartbeats need.
/// </summary>
internal sealed class SystemNames : INames, IDisposable
{
    /// <summary>More than one owner may have under way, so that he does not take all of them.</summary>
    private const int Most = 64;

    /// <summary>Bytes; what the resolver itself needs is little.</summary>
    private const int Stack = 512 * 1024;

    private readonly SemaphoreSlim free = new(Most);

    public async Task<IReadOnlyList<IPAddress>> Resolve(string host, CancellationToken cancellationToken)
    {
        await free.WaitAsync(cancellationToken);
        var found = new TaskCompletionSource<IReadOnlyList<IPAddress>>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => LookUp(host, found), Stack) { IsBackground = true, Name = "names" }.Start();
        return await found.Task.WaitAsync(cancellationToken);
    }

    public void Dispose() => free.Dispose();

    private void LookUp(string host, TaskCompletionSource<IReadOnlyList<IPAddress>> found)
    {
        try
        {
            found.TrySetResult(Dns.GetHostAddresses(host));
        }
        catch (Exception error)
        {
            // Whoever waits for it is told; a thread that throws would end the process.
            found.TrySetException(error);
        }
        finally
        {
            Free();
        }
    }

    private void Free()
    {
        try
        {
            free.Release();
        }
        catch (ObjectDisposedException)
        {
            // The silo has stopped, and nobody waits any more.
        }
    }
}
