using System.Collections.Immutable;
using DbUp.Engine;

namespace Builds.Storage;

/// <summary>The SQL files of one kind of database, which are inside the program.</summary>
/// <param name="Migrations">Sql/KIND/NNNN_name.sql: never changed once released. A database knows them by name, without the folder.</param>
/// <param name="Queries">Sql/KIND/Queries: what the providers run, by the names that they have for them.</param>
internal sealed record StorageScripts(ImmutableArray<SqlScript> Migrations, ImmutableArray<(string Key, string Text)> Queries)
{
    public static StorageScripts Sqlite { get; } = Of("Sqlite");

    public static StorageScripts Postgres { get; } = Of("Postgres");

    /// <summary>Sql/Postgres/Import: fills the storage table from one of the form that every embedded database has.</summary>
    public static string ImportRecords { get; } = Text("SqlImport/ImportRecords.sql");

    /// <summary>The number that the newest script's name begins with.</summary>
    public static string Version(IEnumerable<string> scripts) => scripts.Max(StringComparer.Ordinal)!.Split('_')[0].TrimStart('0');

    private static StorageScripts Of(string kind) => new(
        [.. In($"Sql/{kind}/").Select(file => new SqlScript(file.Name, file.Text))],
        [.. In($"SqlQueries/{kind}/").Select(file => (Path.GetFileNameWithoutExtension(file.Name), file.Text))]);

    private static IEnumerable<(string Name, string Text)> In(string folder) =>
        from name in typeof(StorageScripts).Assembly.GetManifestResourceNames()
        where name.StartsWith(folder, StringComparison.Ordinal)
        orderby name
        select (name[folder.Length..], Text(name));

    private static string Text(string name)
    {
        using var reader = new StreamReader(typeof(StorageScripts).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
