using System.CommandLine;
using Builds.Storage;

namespace Builds.Commands;

/// <summary><c>builds migrate</c>: upgrades the database of a cluster and stops. Each silo does it too when it starts.</summary>
internal static class MigrateCommand
{
    private static readonly Option<string?> Cluster = DatabaseOption.Create();

    public static Command Create()
    {
        var command = new Command("migrate", "Brings the database of a cluster to the form that this version works with, as the first silo of a new version does, and stops.") { Cluster };
        command.SetAction(async (line, cancellationToken) =>
        {
            var connectionString = DatabaseOption.Read(line, Cluster);
            await PostgresSchema.Upgrade(connectionString, cancellationToken);
            await using var database = new PostgresDatabase(connectionString);
            var version = StorageScripts.Version(StorageScripts.Postgres.Migrations.Select(script => script.Name));
            await line.InvocationConfiguration.Output.WriteLineAsync($"{database.Describe()} has schema version {version}");
            return ExitCode.Done;
        });
        return command;
    }
}
