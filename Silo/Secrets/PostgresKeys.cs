using System.Xml.Linq;
using Builds.Storage;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Npgsql;

namespace Builds.Secrets;

/// <summary>Keys in the database of a cluster, where every silo finds what another one made.</summary>
internal sealed class PostgresKeys(PostgresDatabase database) : IXmlRepository
{
    private const string AddSql = "INSERT INTO secret_key (name, xml) VALUES (@name, @xml) ON CONFLICT (name) DO NOTHING";

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var command = database.Command("SELECT xml FROM secret_key ORDER BY created, name");
        using var rows = command.ExecuteReader();
        var keys = new List<XElement>();
        while (rows.Read())
            keys.Add(XElement.Parse(rows.GetString(0)));
        return keys;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var command = database.Command(AddSql, ("name", friendlyName), ("xml", element.ToString(SaveOptions.DisableFormatting)));
        command.ExecuteNonQuery();
    }

    /// <summary>
    /// Takes over the keys of a silo that was alone, without which its secrets could not be opened; those that are there already stay as they
    /// are. A repeat changes nothing. The database is upgraded.
    /// </summary>
    /// <param name="directory">Of <see cref="FileKeys"/>; it need not be there.</param>
    /// <param name="database">Of the cluster.</param>
    /// <param name="cancellationToken">Ends it between two keys.</param>
    public static async Task Import(string directory, PostgresDatabase database, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var (name, xml) in FileKeys.Read(directory))
            {
                await using var command = database.Command(AddSql, ("name", name), ("xml", xml));
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }
        catch (NpgsqlException error)
        {
            throw database.Explain(error);
        }
    }
}
