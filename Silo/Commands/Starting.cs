using System.Net.Sockets;
using Builds.Cluster;
using Microsoft.AspNetCore.Connections;
using Microsoft.Data.Sqlite;

namespace Builds.Commands;

/// <summary>Starts a host; what commonly goes wrong there becomes one message.</summary>
internal static class Starting
{
    /// <summary>False if a signal came before it was ready: then it has stopped already.</summary>
    /// <param name="host">Told to stop by its own means when it gets a signal.</param>
    /// <param name="complete">What else must go well before it counts as started.</param>
    public static async Task<bool> Start(IHost host, Func<Task>? complete = null)
    {
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        try
        {
            await host.StartAsync();
            if (complete is not null)
                await complete();
            return true;
        }
        catch (Exception error)
        {
            var wasStopped = error is OperationCanceledException && lifetime.ApplicationStopping.IsCancellationRequested;
            await Stop(host);
            return wasStopped ? false : throw Explain(error);
        }
    }

    /// <summary>What did start ends in good order, so that nothing else has a word to say about this.</summary>
    private static async Task Stop(IHost host)
    {
        try
        {
            await host.StopAsync();
        }
        catch (Exception)
        {
            // Neither a host nor a silo can be stopped that never began. Why it did not is what the caller tells.
        }
    }

    private static Exception Explain(Exception error) => error switch
    {
        IOException { InnerException: AddressInUseException } =>
            CouldNotRun($"{error.Message.TrimEnd('.')}. Stop the program that uses it, or choose another address with --urls."),
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } =>
            CouldNotRun($"{error.Message}: this machine has none of that name. Choose another one with --urls."),
        InvalidOperationException { Source: "Microsoft.AspNetCore.Server.Kestrel.Core" } =>
            CouldNotRun($"{error.Message.Split('\n')[0].Trim()} Listen on http, behind a reverse proxy that speaks https."),
        _ when DatabaseError(error) is { } database =>
            new DataDirectoryException($"the database cannot be used: {database.Message.TrimEnd('.')}. If it is damaged, restore a backup.", error),
        _ => error,
    };

    private static SqliteException? DatabaseError(Exception error)
    {
        for (var next = error; next is not null; next = next.InnerException)
        {
            if (next is SqliteException database)
                return database;
        }

        return null;
    }

    private static CommandException CouldNotRun(string message) => new(ExitCode.CouldNotRun, message);
}
