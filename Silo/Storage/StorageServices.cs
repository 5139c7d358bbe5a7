using Builds.Jobs;
using Builds.Users;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Builds.Storage;

/// <summary>Where every record of a silo is kept.</summary>
public static class StorageServices
{
    /// <summary>The provider's name for SQLite, whichever library speaks to it.</summary>
    private const string Sqlite = "System.Data.SQLite";

    /// <summary>
    /// Grain storage and catalogue in one SQLite file, which <see cref="StorageSchema.Upgrade(string)"/> has prepared. One silo at a time.
    /// </summary>
    public static ISiloBuilder UseBuildsStorage(this ISiloBuilder silo, string databaseFile)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(_ => new SqliteDatabase(databaseFile));
        silo.Services.AddSingleton<SqliteCatalogue>();
        silo.Services.AddSingleton<ICatalogue>(services => services.GetRequiredService<SqliteCatalogue>());
        silo.Services.AddSingleton<ITokenCatalogue>(services => services.GetRequiredService<SqliteCatalogue>());
        silo.Services.AddHostedService<SubmissionSweep>();
        return silo.AddAdoNetGrainStorage(StorageNames.Provider, options => options.Configure<SqliteDatabase>((storage, database) =>
        {
            storage.Invariant = Sqlite;
            storage.DataSource = database;
            storage.GrainStorageSerializer = new StateJson();
            storage.DeleteStateOnClear = true;
        }));
    }
}
