using System.Collections.Concurrent;
using Builds.Queue;
using Npgsql;
using Orleans.GrainDirectory;

namespace Builds.Storage;

/// <summary>
/// On which silo a grain is, by a row in the cluster's database: of any number of silos that activate it at once exactly one does. While the database does not
/// answer, the last answer goes on to count for looks; nothing is registered. Callable from anywhere.
/// </summary>
internal sealed class DatabaseDirectory(PostgresDatabase database, TimeProvider clock) : IGrainDirectory, IQueuePlace
{
    /// <summary>How long a look waits for the database where there is an earlier answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    // Writing what is there already makes the row come back, whoever was first.
    private const string RegisterSql =
        "INSERT INTO grain_directory AS known (grain, activation, silo, seen_at) VALUES (@grain, @activation, @silo, @seen_at) " +
        "ON CONFLICT (grain) DO UPDATE SET (activation, silo, seen_at) = (SELECT excluded.activation, excluded.silo, excluded.seen_at WHERE (known.activation, known.silo) = (@old_activation, @old_silo) " +
        "UNION ALL SELECT known.activation, known.silo, known.seen_at WHERE (known.activation, known.silo) <> (@old_activation, @old_silo)) " +
        "RETURNING activation, silo, seen_at";

    private readonly ConcurrentDictionary<GrainId, GrainAddress> answers = new();

    public Task<GrainAddress?> Register(GrainAddress address) => Register(address, null);

    /// <summary>The address that is registered afterwards: this one, or of another activation that was there first.</summary>
    /// <param name="address">An activation that is about to be.</param>
    /// <param name="previousAddress">Of an activation that is gone, and may be replaced; null if none is known.</param>
    public async Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress)
    {
        await using var command = database.Command(
            RegisterSql,
            ("grain", Text(address.GrainId)), ("activation", address.ActivationId.ToParsableString()), ("silo", address.SiloAddress!.ToParsableString()), ("seen_at", address.MembershipVersion.Value),
            ("old_activation", previousAddress?.ActivationId.ToParsableString() ?? ""), ("old_silo", previousAddress?.SiloAddress?.ToParsableString() ?? ""));
        return await Read(command, address.GrainId);
    }

    public async Task Unregister(GrainAddress address)
    {
        answers.TryRemove(address.GrainId, out _);
        await using var command = database.Command(
            "DELETE FROM grain_directory WHERE grain = @grain AND activation = @activation", ("grain", Text(address.GrainId)), ("activation", address.ActivationId.ToParsableString()));
        await command.ExecuteNonQueryAsync();
    }

    public async Task<bool> Keep(GrainAddress queue) => queue.Matches(await Register(queue));

    public async Task<GrainAddress?> Lookup(GrainId grainId)
    {
        try
        {
            var look = Look(grainId);
            return await (answers.ContainsKey(grainId) ? look.WaitAsync(Patience, clock) : look);
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException && answers.TryGetValue(grainId, out var last))
        {
            return last;
        }
    }

    public async Task UnregisterSilos(List<SiloAddress> siloAddresses)
    {
        await using var command = database.Command(
            "DELETE FROM grain_directory WHERE silo = ANY(@silos)", ("silos", siloAddresses.Select(silo => silo.ToParsableString()).ToArray()));
        await command.ExecuteNonQueryAsync();
    }

    private async Task<GrainAddress?> Look(GrainId grainId)
    {
        await using var command = database.Command("SELECT activation, silo, seen_at FROM grain_directory WHERE grain = @grain", ("grain", Text(grainId)));
        return await Read(command, grainId);
    }

    private async Task<GrainAddress?> Read(NpgsqlCommand command, GrainId grainId)
    {
        await using var row = await command.ExecuteReaderAsync();
        if (!await row.ReadAsync())
        {
            answers.TryRemove(grainId, out _);
            return null;
        }

        return answers[grainId] = new GrainAddress
        {
            GrainId = grainId,
            ActivationId = ActivationId.FromParsableString(row.GetString(0)),
            SiloAddress = SiloAddress.FromParsableString(row.GetString(1)),
            MembershipVersion = new MembershipVersion(row.GetInt64(2)),
        };
    }

    private static string Text(GrainId grain) => grain.ToString();
}
