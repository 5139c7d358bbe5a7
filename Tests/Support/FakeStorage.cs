using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Builds.Jobs;
using Builds.Secrets;
using Builds.Triggers;
using Orleans.Storage;

namespace Builds.Tests;

/// <summary>Grain storage and catalogue in memory, with the failures that a test asks for. Survives its cluster: give it to the next one.</summary>
public sealed class FakeStorage : IGrainStorage, ICatalogue, ISecretCatalogue
{
    private readonly ConcurrentDictionary<(string State, string Key), (object Record, int Version)> records = [];
    private readonly ConcurrentQueue<(Failure Kind, TaskCompletionSource Happened)> failures = [];

    private enum Failure { BeforeWriting, AfterWriting }

    /// <summary>Every write fails and leaves nothing behind.</summary>
    public bool IsFull { get; set; }

    /// <summary>The next write fails and leaves nothing behind.</summary>
    public void FailNextWrite() => _ = Enqueue(Failure.BeforeWriting);

    /// <summary>Like <see cref="FailNextWrite"/>; completes when it has failed.</summary>
    public Task FailureOfNextWrite() => Enqueue(Failure.BeforeWriting);

    /// <summary>The next write succeeds, and its caller is told that it failed.</summary>
    public void LoseNextAnswer() => _ = Enqueue(Failure.AfterWriting);

    private Task Enqueue(Failure kind)
    {
        var happened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        failures.Enqueue((kind, happened));
        return happened.Task;
    }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var found = records.TryGetValue(KeyOf(stateName, grainId), out var record);
        grainState.State = found ? (T)record.Record : Activator.CreateInstance<T>();
        grainState.ETag = found ? record.Version.ToString(CultureInfo.InvariantCulture) : null;
        grainState.RecordExists = found;
        return Task.CompletedTask;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        // Off the caller's scheduler, as a real database answers.
        await Task.Yield();
        var failing = failures.TryDequeue(out var failure);
        failure.Happened?.TrySetResult();
        if (IsFull || (failing && failure.Kind == Failure.BeforeWriting))
            throw new IOException("the test said that this write fails");

        var key = KeyOf(stateName, grainId);
        var version = grainState.ETag is null ? 0 : int.Parse(grainState.ETag, CultureInfo.InvariantCulture);
        var written = version == 0
            ? records.TryAdd(key, (grainState.State!, 1))
            : records.TryGetValue(key, out var known) && known.Version == version && records.TryUpdate(key, (grainState.State!, version + 1), known);
        if (!written)
            throw new InconsistentStateException($"{key} is not at version {version}");
        if (failing)
            throw new IOException("the test said that the answer to this write is lost");
        grainState.ETag = (version + 1).ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
    }

    /// <summary>How many attempts were begun, by the records of all jobs.</summary>
    public int Attempts => Jobs.Sum(job => job.Attempt);

    /// <summary>Makes the record of a job one from before there were timelines. Its grain must not be active.</summary>
    public async Task ForgetTimeline(GrainId job)
    {
        var state = new GrainState<JobState>();
        await ReadStateAsync("job", job, state);
        state.State = state.State! with { Timeline = [] };
        await WriteStateAsync("job", job, state);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        records.TryRemove(KeyOf(stateName, grainId), out _);
        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
        return Task.CompletedTask;
    }

    public Task<JobSnapshot?> Find(JobId id, CancellationToken cancellationToken) =>
        Task.FromResult(Jobs.FirstOrDefault(job => job.Id == id && job.Exists())?.ToSnapshot());

    public Task<JobPage> List(string owner, JobId? start, int limit, CancellationToken cancellationToken)
    {
        var all = Jobs.Where(job => job.Owner == owner).OrderByDescending(job => job.Id).ToList();
        var rest = all.Where(job => start is null || job.Id <= start.Value).ToList();
        return Task.FromResult(new JobPage(
            [.. rest.Take(limit).Select(job => ListedJob.From(job.ToSnapshot()))],
            rest.Count > limit ? rest[limit].Id : null,
            all.Count));
    }

    public Task<ImmutableArray<OpenJob>> Open(string pool, JobId? after, int limit, CancellationToken cancellationToken) => Task.FromResult(
        OpenJobs.Where(job => job.Pool == pool && (after is null || job.Id > after.Value)).OrderBy(job => job.Id).Take(limit).ToImmutableArray());

    public Task<ImmutableArray<OpenJob>> QueuedSince(string pool, DateTimeOffset since, JobId? after, int limit, CancellationToken cancellationToken) => Task.FromResult(
        OpenJobs.Where(job => job.Pool == pool && job.Status == JobStatus.Queued)
            .Where(job => job.QueuedAt > since || (job.QueuedAt == since && (after is null || job.Id > after.Value)))
            .OrderBy(job => job.QueuedAt).ThenBy(job => job.Id).Take(limit).ToImmutableArray());

    public Task<ImmutableArray<string>> Pools(CancellationToken cancellationToken) => Task.FromResult(
        OpenJobs.Select(job => job.Pool).Distinct().Order(StringComparer.Ordinal).ToImmutableArray());

    public Task<OpenJob?> FindOpen(JobId id, CancellationToken cancellationToken) =>
        Task.FromResult(Jobs.Where(job => job.Id == id).Select(ToOpen).FirstOrDefault());

    private IEnumerable<OpenJob> OpenJobs => Jobs.Select(ToOpen).OfType<OpenJob>();

    public Task<ImmutableArray<EndedJob>> Ended(EndedJob? after, DateTimeOffset before, int limit, CancellationToken cancellationToken) => Task.FromResult(
        Jobs.Where(job => job.Status.IsFinal() && job.Updated < before).OrderBy(job => job.Updated).ThenBy(job => job.Id).Select(ToEnded)
            .Where(job => after is null || (job.Updated, job.Id).CompareTo((after.Updated, after.Id)) > 0).Take(limit).ToImmutableArray());

    public Task<ImmutableArray<EndedJob>> Surplus(int perOwner, DateTimeOffset before, int limit, CancellationToken cancellationToken) => Task.FromResult(
        Jobs.GroupBy(job => job.Owner).SelectMany(owner => owner.OrderByDescending(job => job.Id).Skip(perOwner))
            .Where(job => job.Status.IsFinal() && job.Updated < before).Select(ToEnded).Take(limit).ToImmutableArray());

    public Task<ImmutableArray<EndedJob>> Deleted(int limit, CancellationToken cancellationToken) =>
        Task.FromResult(Jobs.Where(job => job.Deleted is not null).OrderBy(job => job.Id).Select(ToEnded).Take(limit).ToImmutableArray());

    public Task<ImmutableArray<DueTriggers>> TriggersDue(DateTimeOffset by, DueTriggers? after, int limit, CancellationToken cancellationToken) => Task.FromResult(
        Jobs.Select(job => (new TriggerSource(TriggerSourceKind.Job, job.Id.Value), job.Owner, job.TriggersDue))
            .Concat(records.Values.Select(record => record.Record).OfType<JobGroupState>().Select(group => (new TriggerSource(TriggerSourceKind.Group, group.Id), group.Owner, group.TriggersDue)))
            .Where(each => each.TriggersDue is { } due && due <= by).Select(each => new DueTriggers(each.Item1, each.Owner, each.TriggersDue!.Value))
            .OrderBy(each => each.Due).ThenBy(each => each.Source.Id).ThenBy(each => each.Source.Kind)
            .Where(each => after is null || (each.Due, each.Source.Id, each.Source.Kind).CompareTo((after.Due, after.Source.Id, after.Source.Kind)) > 0).Take(limit).ToImmutableArray());

    Task<ImmutableArray<KeptSecret>> ISecretCatalogue.Of(string owner, CancellationToken cancellationToken) => Task.FromResult(
        Secrets.Where(secret => secret.Info.Owner == owner).OrderBy(secret => secret.Info.Id).ToImmutableArray());

    Task<ImmutableArray<SecretKey>> ISecretCatalogue.All(CancellationToken cancellationToken) => Task.FromResult(
        Secrets.Select(secret => new SecretKey(secret.Info.Owner, secret.Info.Uuid)).ToImmutableArray());

    private IEnumerable<KeptSecret> Secrets => records.Where(record => record.Value.Record is SecretState)
        .Select(record => (Key: record.Key.Key[(record.Key.Key.IndexOf('/', StringComparison.Ordinal) + 1)..], State: (SecretState)record.Value.Record))
        .Select(secret => new KeptSecret(secret.State.ToInfo(secret.Key), secret.State.Sealed));

    private static EndedJob ToEnded(JobState job) => new(job.Id, job.Updated);

    /// <summary>How many records there are, of all kinds.</summary>
    public int Records => records.Count;

    private IEnumerable<JobState> Jobs => records.Values.Select(record => record.Record).OfType<JobState>();

    public static OpenJob? ToOpen(JobState job) => job.Status is not (JobStatus.Queued or JobStatus.Running) ? null : new OpenJob
    {
        Id = job.Id,
        Owner = job.Owner,
        Image = job.Image,
        Status = job.Status,
        QueuedAt = job.QueuedAt!.Value,
        Attempt = job.Attempt,
        Worker = job.Worker,
        Incarnation = job.Incarnation,
        Started = job.Started,
        CancelRequested = job.CancelRequested,
        Revision = job.Revision,
        Pool = job.Pool,
        Priority = job.Priority,
        Labels = job.Labels,
    };

    /// <summary>The one record of its kind.</summary>
    public T Only<T>() => records.Values.Select(record => record.Record).OfType<T>().Single();

    /// <summary>A record as another version may have left it.</summary>
    public void Put(string stateName, GrainId grainId, object record) => records[KeyOf(stateName, grainId)] = (record, 1);

    private static (string, string) KeyOf(string stateName, GrainId grainId) => (stateName, grainId.ToString());
}
