namespace Builds.Tests.Tls;

/// <summary>The membership table of silos in one process, which find each other there and then talk over real sockets.</summary>
internal sealed class SharedMembership : IMembershipTable
{
    private readonly Lock gate = new();
    private readonly Dictionary<SiloAddress, (MembershipEntry Entry, string Tag)> rows = [];
    private int version;

    /// <summary>The names of the silos that have this status.</summary>
    public string[] Names(SiloStatus status)
    {
        lock (gate)
            return [.. rows.Values.Where(row => row.Entry.Status == status).Select(row => row.Entry.SiloName).Order(StringComparer.Ordinal)];
    }

    public Task InitializeMembershipTable(bool tryInitTableVersion) => Task.CompletedTask;

    public Task DeleteMembershipTableEntries(string clusterId) => Task.CompletedTask;

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => Task.CompletedTask;

    public Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        lock (gate)
            return Task.FromResult(rows.TryGetValue(key, out var row) ? new MembershipTableData(Copy(row), Version) : new MembershipTableData(Version));
    }

    public Task<MembershipTableData> ReadAll()
    {
        lock (gate)
            return Task.FromResult(new MembershipTableData([.. rows.Values.Select(Copy)], Version));
    }

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        lock (gate)
            return Task.FromResult(!rows.ContainsKey(entry.SiloAddress) && Put(entry, tableVersion));
    }

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        lock (gate)
            return Task.FromResult(rows.TryGetValue(entry.SiloAddress, out var row) && row.Tag == etag && Put(entry, tableVersion));
    }

    public Task UpdateIAmAlive(MembershipEntry entry)
    {
        lock (gate)
            rows[entry.SiloAddress].Entry.IAmAliveTime = entry.IAmAliveTime;
        return Task.CompletedTask;
    }

    private TableVersion Version => new(version, version.ToString());

    private bool Put(MembershipEntry entry, TableVersion tableVersion)
    {
        if (tableVersion.Version != version + 1)
            return false;
        version++;
        rows[entry.SiloAddress] = (Clone(entry), version.ToString());
        return true;
    }

    private static Tuple<MembershipEntry, string> Copy((MembershipEntry Entry, string Tag) row) => Tuple.Create(Clone(row.Entry), row.Tag);

    // What a silo does to the entry that it holds is its own affair.
    private static MembershipEntry Clone(MembershipEntry entry) => new()
    {
        SiloAddress = entry.SiloAddress,
        Status = entry.Status,
        SuspectTimes = entry.SuspectTimes is { } suspects ? [.. suspects] : null,
        ProxyPort = entry.ProxyPort,
        HostName = entry.HostName,
        SiloName = entry.SiloName,
        RoleName = entry.RoleName,
        UpdateZone = entry.UpdateZone,
        FaultZone = entry.FaultZone,
        StartTime = entry.StartTime,
        IAmAliveTime = entry.IAmAliveTime,
    };
}
