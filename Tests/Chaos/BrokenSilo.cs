using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.CommandLine;
using Builds.Commands;
using Builds.Jobs;
using Builds.Queue;
using Builds.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Chaos;

/// <summary><c>builds serve</c> with a mistake that was put in on purpose, as a program.</summary>
internal static class BrokenSilo
{
    public const string Name = "broken";

    /// <summary>The queue never hears of a job that is submitted, and finds none in the catalogue.</summary>
    public const string LosesHints = "loses-hints";

    /// <summary>A job takes a report of an earlier attempt for one of the attempt that runs now; and that a build is handed back comes a second time, late, as a network may do it.</summary>
    public const string TakesStaleReports = "takes-stale-reports";

    /// <summary>A job that was queued again since its worker was lost is queued again once more when its first task runs.</summary>
    public const string RequeuesTwice = "requeues-twice";

    public static Task<int> Run(string bug, string[] arguments)
    {
        var root = new RootCommand { ServeCommand.Create("serve", services => Break(services, bug)) };
        return root.Parse(arguments).InvokeAsync();
    }

    private static void Break(IServiceCollection services, string bug)
    {
        switch (bug)
        {
            case LosesHints:
                services.AddSingleton<IIncomingGrainCallFilter, HintLoss>();
                services.AddSingleton<ICatalogue>(provider => new BlindCatalogue(provider.GetRequiredService<PostgresCatalogue>()));
                break;
            case TakesStaleReports:
                services.AddSingleton<IIncomingGrainCallFilter, StaleReports>();
                services.AddSingleton<IOutgoingGrainCallFilter, LateReports>();
                break;
            case RequeuesTwice:
                services.AddSingleton<IIncomingGrainCallFilter, SecondRequeue>();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(bug), bug, "no such bug");
        }
    }

    private sealed class HintLoss : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context) =>
            context is { Grain: QueueGrain, MethodName: nameof(IQueueGrain.Hint) } ? Task.CompletedTask : context.Invoke();
    }

    private sealed class BlindCatalogue(ICatalogue inner) : ICatalogue
    {
        public Task<ImmutableArray<OpenJob>> Open(string pool, JobId? after, int limit, CancellationToken cancellationToken) => Task.FromResult<ImmutableArray<OpenJob>>([]);

        public Task<ImmutableArray<OpenJob>> QueuedSince(string pool, DateTimeOffset since, JobId? after, int limit, CancellationToken cancellationToken) =>
            Task.FromResult<ImmutableArray<OpenJob>>([]);

        public Task<OpenJob?> FindOpen(JobId id, CancellationToken cancellationToken) => Task.FromResult<OpenJob?>(null);

        public Task<JobSnapshot?> Find(JobId id, CancellationToken cancellationToken) => inner.Find(id, cancellationToken);

        public Task<JobPage> List(string owner, JobId? start, int limit, CancellationToken cancellationToken) => inner.List(owner, start, limit, cancellationToken);

        public Task<ImmutableArray<string>> Pools(CancellationToken cancellationToken) => inner.Pools(cancellationToken);

        public Task<ImmutableArray<EndedJob>> Ended(EndedJob? after, DateTimeOffset before, int limit, CancellationToken cancellationToken) => inner.Ended(after, before, limit, cancellationToken);

        public Task<ImmutableArray<EndedJob>> Surplus(int perOwner, DateTimeOffset before, int limit, CancellationToken cancellationToken) => inner.Surplus(perOwner, before, limit, cancellationToken);

        public Task<ImmutableArray<EndedJob>> Deleted(int limit, CancellationToken cancellationToken) => inner.Deleted(limit, cancellationToken);

        public Task<ImmutableArray<DueTriggers>> TriggersDue(DateTimeOffset by, DueTriggers? after, int limit, CancellationToken cancellationToken) => inner.TriggersDue(by, after, limit, cancellationToken);
    }

    private sealed class StaleReports : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            if (context is { Grain: JobGrain job, MethodName: nameof(IJobGrain.Report) } && await job.Get() is { Status: JobStatus.Running } now
                && (AttemptReport)context.Request.GetArgument(0)! is var report && report.Attempt < now.Attempt)
                context.Request.SetArgument(0, report with { Attempt = now.Attempt, Sequence = int.MaxValue });
            await context.Invoke();
        }
    }

    private sealed class LateReports(IServiceProvider services) : IOutgoingGrainCallFilter
    {
        private readonly ConcurrentDictionary<(JobId, int), bool> repeated = [];

        public async Task Invoke(IOutgoingGrainCallContext context)
        {
            await context.Invoke();
            if (context.MethodName != nameof(IJobGrain.Report) || context.Request.GetArgument(0) is not AttemptReport { End: AttemptEnd.HandedBack } report)
                return;
            var job = services.GetRequiredService<IGrainFactory>().GetGrain<IJobGrain>((int)context.TargetId.GetIntegerKey());
            if (repeated.TryAdd((new JobId((int)context.TargetId.GetIntegerKey()), report.Attempt), true))
                Again(job, report).Ignore();
        }

        private static async Task Again(IJobGrain job, AttemptReport report)
        {
            await UntilRuns(job, report.Attempt + 1);
            await job.Report(report);
        }
    }

    private sealed class SecondRequeue(IGrainFactory grains) : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            await context.Invoke();
            if (context is { Grain: JobGrain job, MethodName: nameof(IJobGrain.WorkerLost) } && await job.Get() is { Status: JobStatus.Queued } queued)
                Again(grains.GetGrain<IJobGrain>(queued.Id.Value), queued).Ignore();
        }

        private static async Task Again(IJobGrain job, JobSnapshot seen)
        {
            await UntilRuns(job, seen.Attempt + 1);
            await job.WorkerLost(seen.Attempt + 1, "lost once more");
        }
    }

    private static async Task UntilRuns(IJobGrain job, int attempt)
    {
        for (var seen = await job.Get(); seen!.Attempt < attempt || seen.Tasks.All(task => task.Status == BuildTaskStatus.Pending);)
            seen = await job.WaitForChange(seen.Revision, TimeSpan.FromSeconds(10)) ?? await job.Get();
    }
}
