using System.Net.Sockets;
using System.Text;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>A connection on which a log was asked for, and nothing is ever read.</summary>
internal sealed class DeadReader : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };

    public static async Task<DeadReader> Open(Member member, string path)
    {
        var reader = new DeadReader();
        var address = member.Address ?? throw new HarnessException($"{member.Name} is not there");
        await reader.socket.ConnectAsync(address.Host, address.Port);
        await reader.socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n"));
        return reader;
    }

    public void Dispose() => socket.Dispose();
}
