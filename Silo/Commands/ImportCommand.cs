using System.CommandLine;
using Builds.Cluster;
using Builds.Secrets;
using Builds.Storage;
using Builds.Stores;
using Builds.Stores.S3;

namespace Builds.Commands;

/// <summary><c>builds import</c>: what a silo that was alone has kept becomes a cluster's.</summary>
internal static class ImportCommand
{
    private static readonly Option<string> From = new("--from")
    {
        Description = "The database of a silo that is alone and does not run, in its data directory.",
        HelpName = "DIR/builds.db",
        Required = true,
    };

    private static readonly Option<string?> Cluster = DatabaseOption.Create();

    private static readonly Option<string?> Store = new("--store")
    {
        Description = "The cluster's store, a directory or s3://BUCKET/PREFIX: logs and artifacts are copied there. Default: none; it is said what to copy where.",
        HelpName = "STORE",
    };

    public static Command Create()
    {
        var command = new Command("import", "Copies everything of a silo that is alone into a new cluster: jobs, tokens, secrets with their keys, groups, ids, and with --store logs and artifacts. All or nothing; the original is left as it is.")
        {
            From, Cluster, Store,
        };
        command.SetAction(async (line, cancellationToken) =>
        {
            await Import(line.GetRequiredValue(From), DatabaseOption.Read(line, Cluster), line.GetValue(Store), line.InvocationConfiguration.Output, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task Import(string file, string connectionString, string? store, TextWriter output, CancellationToken cancellationToken)
    {
        var target = store is null ? null : Parse(store);
        if (!File.Exists(file))
            throw new DataDirectoryException($"there is no database {Path.GetFullPath(file)}. Name the file builds.db of a data directory with --from.");
        var data = DataDirectory.Existing(Path.GetDirectoryName(Path.GetFullPath(file))!);
        if (Path.GetFullPath(file) != data.Database)
            throw new DataDirectoryException($"{Path.GetFullPath(file)} is not the builds.db of a data directory. To import a copy, put it back into a directory of its own under that name.");
        using var held = data.Lock();
        StorageSchema.Check(data.Database);
        await PostgresSchema.Upgrade(connectionString, cancellationToken);
        await EmbeddedImport.RefuseRecords(connectionString, cancellationToken);
        // First, so that no record is there before what it speaks of.
        int? files = target is null ? null : await Copy(data, target, cancellationToken);
        await using var database = new PostgresDatabase(connectionString);
        await PostgresKeys.Import(data.Keys, database, cancellationToken);
        var records = await EmbeddedImport.Run(data.Database, connectionString, cancellationToken);

        await output.WriteLineAsync($"Imported into {database.Describe()}: {string.Join(", ", records.Select(kind => $"{kind.Value} of {kind.Key}"))}");
        await output.WriteLineAsync(files is { } count
            ? $"Copied {count} files of logs and artifacts into {target}"
            : $"Logs and artifacts are still to be copied into the cluster's store, if it is a directory: the directories {data.Logs} and {data.Artifacts}, under their names logs and artifacts");
        await output.WriteLineAsync($"{data.Path} is as it was. Do not serve it again: it would go on from here by itself");
    }
    private static StoreLocation Parse(string store)
    {
        try
        {
            return StoreLocation.Parse(store);
        }
        catch (FormatException error)
        {
            throw new CommandException(ExitCode.Usage, error.Message);
        }
    }

    private static async Task<int> Copy(DataDirectory data, StoreLocation target, CancellationToken cancellationToken)
    {
        if (target is StoreLocation.Folder { Path: var directory })
            return FolderHealth.IsStore(directory) ? throw InUse(target) : StoreCopy.Run(data, directory);
        using var bucket = new S3Bucket((StoreLocation.Bucket)target, ClusterSettings.CheckedStore(new ConfigurationBuilder().AddEnvironmentVariables().Build()), TimeProvider.System);
        return await BucketHealth.IsStore(bucket, cancellationToken) ? throw InUse(target) : await new BucketCopy(data, bucket).Run(cancellationToken);
    }

    /// <summary>Jobs of both would have the same numbers, and so the same files.</summary>
    private static ClusterException InUse(StoreLocation store) =>
        new($"{store} is or was the store of a cluster. An import needs one that no silo has used yet: import before the first silo of the cluster starts, or into another directory or prefix.");
}
