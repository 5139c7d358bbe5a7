using System.CommandLine;
using Builds.Cluster;

namespace Builds.Commands.Client;

/// <summary>For what can be done whether the server runs or not.</summary>
internal static class RunningOrNot
{
    /// <summary>A command that does the same in both ways.</summary>
    /// <param name="remote">Does it by a server.</param>
    /// <param name="local">Does it by the services of a silo that lives only for this.</param>
    /// <param name="action">What is done.</param>
    public static Command Make<T>(
        string name, string description, Func<BuildsClient, T> remote, Func<IServiceProvider, T> local, Func<ParseResult, T, CancellationToken, Task> action, Symbol[] symbols) =>
        ClientCommands.Make(name, description, symbols, async (line, cancellationToken) =>
        {
            await With(line, client => action(line, remote(client), cancellationToken), services => action(line, local(services), cancellationToken));
            return ExitCode.Done;
        });

    /// <summary>Asks the server that runs, or is named; opens the database when nobody else has it.</summary>
    /// <param name="line">With the options of <see cref="ServerAddress"/>.</param>
    /// <param name="running">Gets a client of the server.</param>
    /// <param name="alone">Gets the services of a silo that lives only for this.</param>
    private static async Task With(ParseResult line, Func<BuildsClient, Task> running, Func<IServiceProvider, Task> alone)
    {
        var data = ServerAddress.DataOf(line);
        if (ServerAddress.Named(line) is not null || DataLock.Holder(data) is not null)
        {
            using var client = ServerAddress.Connect(line);
            await running(client);
            return;
        }

        if (!File.Exists(data.Database))
            throw new CommandException(ExitCode.CouldNotRun, $"there is no database in {data.Path}. Start a server once with 'builds serve', or name its directory with --data or its address with --url.");
        using var held = data.Lock();
        using var silo = BuildsHost.WithoutHttp(new BuildsHostOptions { Data = data, Worker = false });
        if (!await Starting.Start(silo))
            throw new OperationCanceledException("stopped by a signal while it started");
        try
        {
            await alone(silo.Services);
        }
        finally
        {
            await silo.StopAsync(CancellationToken.None);
        }
    }
}
