using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Builds.Storage;

/// <summary>
/// All writing, on one thread with one connection. What queued up while the last transaction went to disk forms the next one, and each
/// caller is answered when that one is on disk: the more write at once, the more share a sync. Nobody waits for company.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    /// <summary>Bounds how long the first of a group waits for the last.</summary>
    private const int LargestGroup = 256;

    // Without a bound of its own: a caller writes one thing and waits, so there are no more waiting than requests are let in.
    private readonly BlockingCollection<Write> queue = [];
    private readonly SqliteSession session;
    private readonly Func<bool>? makeRoom;
    private readonly Thread thread;
    private long commits;

    /// <param name="makeRoom">Called where the disk is full: true if it freed some, and what did not fit may be tried again.</param>
    public SqliteWriter(SqliteSession session, Func<bool>? makeRoom = null)
    {
        (this.session, this.makeRoom) = (session, makeRoom);
        // At once: a file that cannot be opened stops the start, and a silo that only read leaves its database as one file too.
        session.Open();
        thread = new Thread(Work) { IsBackground = true, Name = "database writer" };
        thread.Start();
    }

    /// <summary>Transactions that reached the disk.</summary>
    public long Commits => Interlocked.Read(ref commits);

    /// <summary>
    /// Runs a statement. Completes when its effect is on disk, or fails: with the database's error if the statement failed by itself, with
    /// <see cref="GroupCommitException"/> if its transaction did.
    /// </summary>
    public Task<DataTable> Run(SqliteStatement statement)
    {
        var write = new Write(statement);
        try
        {
            queue.Add(write);
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(SqliteWriter), "the database is closed");
        }

        return write.Done.Task;
    }

    /// <summary>Does what is queued, then closes the connection.</summary>
    public void Dispose()
    {
        queue.CompleteAdding();
        thread.Join();
        session.Dispose();
    }

    private void Work()
    {
        var group = new List<Write>();
        foreach (var first in queue.GetConsumingEnumerable())
        {
            group.Clear();
            group.Add(first);
            while (group.Count < LargestGroup && queue.TryTake(out var next))
                group.Add(next);
            Commit(group);
        }
    }

    private void Commit(List<Write> group)
    {
        try
        {
            session.Execute("BEGIN IMMEDIATE");
            foreach (var write in group)
                Try(write);
            Tell("database.executed", group);
            session.Execute("COMMIT");
            Tell("database.committed", group);
        }
        catch (Exception error)
        {
            // A connection that failed so is not trusted with the next group.
            session.Close();
            // Nothing of it is there: what does not fit undoes the transaction as a whole.
            if (IsFull(error) && makeRoom?.Invoke() == true)
            {
                Commit(group);
                return;
            }

            foreach (var write in group)
                write.Done.TrySetException(new GroupCommitException(group.Count, error));
            return;
        }

        Interlocked.Increment(ref commits);
        foreach (var write in group)
            write.Answer();
    }

    private static bool IsFull(Exception error) => error is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_FULL };

    private static void Tell(string point, List<Write> group)
    {
        if (KillPoint.Watcher is null)
            return;
        foreach (var kind in group.SelectMany(write => write.Statement.Values.Where(value => value.Name == "GrainTypeString")).Select(value => value.Value).Distinct())
            KillPoint.Reached(point, kind as string);
    }

    private void Try(Write write)
    {
        try
        {
            (write.Result, write.Error) = (session.Table(write.Statement), null);
        }
        catch (Exception error) when (session.InTransaction)
        {
            write.Error = error;
        }
    }

    private sealed class Write(SqliteStatement statement)
    {
        public SqliteStatement Statement => statement;

        // The writer's thread must not run what its callers do next.
        public TaskCompletionSource<DataTable> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public DataTable? Result { get; set; }

        public Exception? Error { get; set; }

        public void Answer()
        {
            if (Error is not null)
                Done.TrySetException(Error);
            else
                Done.TrySetResult(Result!);
        }
    }
}

/// <summary>The transaction that held a write was not confirmed by the disk: read again before relying on either outcome.</summary>
public sealed class GroupCommitException(int writes, Exception inner)
    : DbException($"a transaction of {writes} write(s) failed as a whole: {inner.Message}", inner);
