using System.Data.Common;
using Builds.Jobs;
using Builds.Secrets;
using Builds.Users;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Storage;

namespace Builds.Storage;

/// <summary>Where every record of a silo is kept.</summary>
public static class StorageServices
{
    /// <summary>The provider's name for SQLite, whichever library speaks to it.</summary>
    private const string Sqlite = "System.Data.SQLite";

    private const string Postgres = "Npgsql";

    /// <summary>
    /// Grain storage and catalogue in one SQLite file, which <see cref="StorageSchema.Upgrade(string)"/> has prepared. One silo at a time.
    /// </summary>
    /// <param name="makeRoom">Called where the disk is full: true if it freed some.</param>
    public static ISiloBuilder UseBuildsStorage(this ISiloBuilder silo, string databaseFile, Func<IServiceProvider, Func<bool>>? makeRoom = null)
    {
        silo.Services.AddSingleton(services => new SqliteDatabase(databaseFile, makeRoom: makeRoom?.Invoke(services)));
        silo.Services.AddSingleton<IExpiredSubmissions, SqliteSubmissions>();
        return silo.UseBuildsStorage<SqliteDatabase, SqliteCatalogue>(Sqlite, database => database);
    }

    /// <summary>
    /// Grain storage and catalogue in PostgreSQL, which <see cref="PostgresSchema.Upgrade(string, CancellationToken)"/> has prepared. Any
    /// number of silos. The silo disposes the database with its services.
    /// </summary>
    internal static ISiloBuilder UseBuildsStorage(this ISiloBuilder silo, PostgresDatabase database)
    {
        silo.Services.AddSingleton(_ => database);
        silo.Services.AddSingleton<ClusterRecords>();
        silo.Services.AddSingleton<IExpiredSubmissions, PostgresSubmissions>();
        return silo.UseBuildsStorage<PostgresDatabase, PostgresCatalogue>(Postgres, postgres => postgres.Source);
    }

    /// <summary>Who is in the cluster, in the same database: who is not, writes nothing. After the storage.</summary>
    internal static ISiloBuilder UseBuildsMembership(this ISiloBuilder silo, PostgresDatabase database)
    {
        if (!silo.Services.Any(service => service.ServiceType == typeof(IGrainStorage) && StorageNames.Provider.Equals(service.ServiceKey)))
            throw new InvalidOperationException("the storage comes before the membership, which has the last word on who may write");
        silo.Services.AddKeyedSingleton<IGrainStorage>(StorageNames.Provider, (services, _) => MemberStorage.Create(services, StorageNames.Provider));
        return silo.UseAdoNetClustering(clustering =>
        {
            clustering.Invariant = Postgres;
            clustering.DataSource = database.Source;
        });
    }

    private static ISiloBuilder UseBuildsStorage<TDatabase, TCatalogue>(this ISiloBuilder silo, string invariant, Func<TDatabase, DbDataSource> source)
        where TDatabase : class
        where TCatalogue : class, ICatalogue, ITokenCatalogue, ISecretCatalogue
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton<TCatalogue>();
        silo.Services.AddSingleton<ICatalogue>(services => services.GetRequiredService<TCatalogue>());
        silo.Services.AddSingleton<ITokenCatalogue>(services => services.GetRequiredService<TCatalogue>());
        silo.Services.AddSingleton<ISecretCatalogue>(services => services.GetRequiredService<TCatalogue>());
        silo.Services.AddHostedService<SubmissionSweep>();
        return silo.AddAdoNetGrainStorage(StorageNames.Provider, options => options.Configure<TDatabase>((storage, database) =>
        {
            storage.Invariant = invariant;
            storage.DataSource = source(database);
            storage.GrainStorageSerializer = new StateJson();
            storage.DeleteStateOnClear = true;
        }));
    }
}
