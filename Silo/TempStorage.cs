// Stand-in until the real one lands; delete this file then.
#pragma warning disable
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Builds.Jobs;
using Builds.Users;
using Orleans.Storage;

namespace Builds.Storage;

internal static class StorageSchema { public static void Upgrade(string databaseFile) { } }

internal static class TempStorageExtensions
{
    public static ISiloBuilder UseBuildsStorage(this ISiloBuilder silo, string databaseFile)
    {
        var storage = new TempStorage();
        silo.Services.AddKeyedSingleton<IGrainStorage>(StorageNames.Provider, storage);
        silo.Services.AddSingleton<ICatalogue>(storage);
        silo.Services.AddSingleton<ITokenCatalogue>(storage);
        return silo;
    }
}

internal sealed class TempStorage : IGrainStorage, ICatalogue, ITokenCatalogue
{
    private readonly ConcurrentDictionary<(string State, string Key), (object Record, int Version)> records = [];
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> s)
    {
        var found = records.TryGetValue((stateName, grainId.ToString()), out var record);
        s.State = found ? (T)record.Record : Activator.CreateInstance<T>();
        s.ETag = found ? record.Version.ToString() : null;
        s.RecordExists = found;
        return Task.CompletedTask;
    }
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> s)
    {
        await Task.Yield();
        var version = s.ETag is null ? 0 : int.Parse(s.ETag);
        records[(stateName, grainId.ToString())] = (s.State!, version + 1);
        s.ETag = (version + 1).ToString();
        s.RecordExists = true;
    }
    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> s) { records.TryRemove((stateName, grainId.ToString()), out _); s.ETag = null; s.RecordExists = false; return Task.CompletedTask; }
    public Task<JobSnapshot?> Find(JobId id, CancellationToken c) => Task.FromResult(Jobs.FirstOrDefault(j => j.Id == id)?.ToSnapshot());
    public Task<JobPage> List(string owner, JobId? start, int limit, CancellationToken c)
    {
        var all = Jobs.Where(j => j.Owner == owner).OrderByDescending(j => j.Id).ToList();
        var rest = all.Where(j => start is null || j.Id <= start.Value).ToList();
        return Task.FromResult(new JobPage([.. rest.Take(limit).Select(j => j.ToSnapshot())], rest.Count > limit ? rest[limit].Id : null, all.Count));
    }
    public Task<ImmutableArray<OpenJob>> Open(DateTimeOffset? since, CancellationToken c) => Task.FromResult(Jobs.Select(ToOpen).OfType<OpenJob>()
        .Where(j => since is null || (j.Status == JobStatus.Queued && j.QueuedAt >= since)).OrderBy(j => j.Id).ToImmutableArray());
    public Task<OpenJob?> FindOpen(JobId id, CancellationToken c) => Task.FromResult(Jobs.Where(j => j.Id == id).Select(ToOpen).FirstOrDefault());
    Task<ImmutableArray<TokenInfo>> ITokenCatalogue.List(string? user, CancellationToken c) => Task.FromResult(records
        .Where(r => r.Value.Record is TokenState t && (user is null || t.User == user))
        .Select(r => (TokenState)r.Value.Record).Select(t => new TokenInfo("", t.User, t.IsAdmin, t.Scopes, t.Prefix, t.Created, t.Expires, t.Revoked, t.LastUsed)).ToImmutableArray());
    private IEnumerable<JobState> Jobs => records.Values.Select(r => r.Record).OfType<JobState>();
    private static OpenJob? ToOpen(JobState j) => j.Status is not (JobStatus.Queued or JobStatus.Running) ? null : new OpenJob
    {
        Id = j.Id, Owner = j.Owner, Image = j.Image, Status = j.Status, QueuedAt = j.QueuedAt!.Value, Attempt = j.Attempt,
        Worker = j.Worker, Incarnation = j.Incarnation, Started = j.Started, CancelRequested = j.CancelRequested, Revision = j.Revision,
    };
}
