using System.Collections.Immutable;
using DbUp.Engine;

namespace Builds.Storage;

/// <summary>The SQL files of Silo/Sql, which are inside the program.</summary>
internal static class StorageScripts
{
    private const string MigrationFolder = "Sql/";
    private const string QueryFolder = "SqlQueries/";

    /// <summary>Sql/NNNN_name.sql: never changed once released.</summary>
    public static ImmutableArray<SqlScript> Migrations { get; } =
        [.. In(MigrationFolder).Select(file => new SqlScript(file.Name, file.Text))];

    /// <summary>Sql/Queries: what the storage provider runs, by the names that it has for them.</summary>
    public static ImmutableArray<(string Key, string Text)> Queries { get; } =
        [.. In(QueryFolder).Select(file => (Path.GetFileNameWithoutExtension(file.Name), file.Text))];

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
