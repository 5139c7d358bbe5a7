using System.Threading.Channels;

namespace Builds.Storage;

/// <summary>
/// Read-only connections, so many at a time. A read that begins after a write was answered sees it, and neither waits for the other.
/// </summary>
internal sealed class SqliteReaders : IDisposable
{
    private readonly Channel<SqliteSession> idle = Channel.CreateUnbounded<SqliteSession>();

    public SqliteReaders(int count, Func<SqliteSession> create)
    {
        for (var i = 0; i < count; i++)
            idle.Writer.TryWrite(create());
    }

    /// <summary>Runs on a pool thread: SQLite reads block, and a grain's thread must not.</summary>
    public async Task<T> Read<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken)
    {
        var session = await idle.Reader.ReadAsync(cancellationToken);
        try
        {
            return await Task.Run(() => read(session), cancellationToken);
        }
        finally
        {
            if (!idle.Writer.TryWrite(session))
                session.Dispose();
        }
    }

    /// <summary>Closes what is idle now, and the rest as it comes back.</summary>
    public void Dispose()
    {
        idle.Writer.TryComplete();
        while (idle.Reader.TryRead(out var session))
            session.Dispose();
    }
}
